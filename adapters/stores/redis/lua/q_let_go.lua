-- Lets a claim go without an attempt; returns 0 if it was not held, 1 if nothing is left in the queue, 2 if something is.
-- ARGV: time, subscription, token, pause before the queue may be taken again, call.
local id = ARGV[2]
local held = redis.call('HMGET', 'qmeta:' .. id, 'claim', 'call')
if held[2] == ARGV[5] then return 2 end -- The same call came twice.
if held[1] ~= ARGV[3] then return 0 end
redis.call('HSET', 'qmeta:' .. id, 'call', ARGV[5])
let_go(id, int(now() + tonumber(ARGV[4])))
return 1 + redis.call('EXISTS', 'q:' .. id)
