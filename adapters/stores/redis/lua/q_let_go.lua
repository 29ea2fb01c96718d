-- Lets a claim go without an attempt; returns 1 if it was held.
-- ARGV: time, subscription, token, pause before the queue may be taken again, call.
local id = ARGV[2]
local held = redis.call('HMGET', 'qmeta:' .. id, 'claim', 'call')
if held[2] == ARGV[5] then return 1 end -- The same call came twice.
if held[1] ~= ARGV[3] then return 0 end
redis.call('HSET', 'qmeta:' .. id, 'call', ARGV[5])
let_go(id, int(now() + tonumber(ARGV[4])))
return 1
