-- Lets a claim go without an attempt; returns 1 if it was held.
-- ARGV: time, subscription, token, pause before the queue may be taken again.
if not is_claimed(ARGV[2], ARGV[3]) then return 0 end
let_go(ARGV[2], int(now() + tonumber(ARGV[4])))
return 1
