-- Removes the head, which was delivered; returns 1 if it was there.
-- ARGV: time, subscription, token, sequence number of the head, attempt.
local id = ARGV[2]
if not attempted(id, ARGV[3], ARGV[4], ARGV[5], int(now())) then return 0 end
drop(pop(id).told)
redis.call('HDEL', 'qmeta:' .. id, 'failures')
unplace_empty(id)
return 1
