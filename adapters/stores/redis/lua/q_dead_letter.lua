-- Moves the head to the dead letters; returns 1 if it was there.
-- ARGV: time, subscription, token, sequence number of the head, attempt, reason.
local id, at = ARGV[2], int(now())
if not attempted(id, ARGV[3], ARGV[4], ARGV[5], at) then return 0 end
local head = pop(id)
head.attempts = int(head.attempts + 1)
bury(id, head, ARGV[6], at)
redis.call('HINCRBY', 'qmeta:' .. id, 'failures', 1)
unplace_empty(id)
return 1
