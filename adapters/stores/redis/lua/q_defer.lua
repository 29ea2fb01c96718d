-- Lets a claim go and leaves the head to be tried again; returns 1 if it was there.
-- ARGV: time, subscription, token, sequence number of the head, attempt, pause before it is tried again.
local id, at = ARGV[2], now()
if not attempted(id, ARGV[3], ARGV[4], ARGV[5], int(at)) then return 0 end
local head = read(redis.call('LINDEX', 'q:' .. id, 0))
head.attempts = int(head.attempts + 1)
redis.call('LSET', 'q:' .. id, 0, write(head))
redis.call('HINCRBY', 'qmeta:' .. id, 'failures', 1)
let_go(id, int(at + tonumber(ARGV[6])))
return 1
