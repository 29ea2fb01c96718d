-- Returns which of the subscriptions are not here with all that finds them. ARGV: time, ids.
local broken = {}
for n = 2, #ARGV do
  if not is_whole(ARGV[n]) then broken[#broken + 1] = ARGV[n] end
end
return broken
