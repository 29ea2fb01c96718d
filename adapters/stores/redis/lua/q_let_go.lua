-- Lets a claim go without an attempt; returns 1 if it was held.
-- ARGV: time, subscription, token, when the queue may be taken again, or empty for now.
if not is_claimed(ARGV[2], ARGV[3]) then return 0 end
let_go(ARGV[2], ARGV[4] ~= '' and ARGV[4] or int(now()))
return 1
