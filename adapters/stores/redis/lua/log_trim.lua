-- Drops the oldest entries, looking at no more than some; returns how many.
-- KEYS: .. ARGV: time, generation and sequence of the last that may go, age that it must have, how many to look at.
local generation = position()
local below = tonumber(ARGV[3])
if tonumber(ARGV[2]) > tonumber(generation) then below = math.huge end
if tonumber(ARGV[2]) < tonumber(generation) then return 0 end

local oldest, last = now() - tonumber(ARGV[4]), nil
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', ARGV[5])) do
  local sequence, at = tonumber(string.match(entry[1], '^%d+')), tonumber(entry[2][2])
  if sequence > below or at >= oldest then break end
  last = sequence
end
if not last then return 0 end
return redis.call('XTRIM', KEYS[3], 'MINID', int(last + 1) .. '-0')
