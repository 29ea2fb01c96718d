-- Prolongs a lease that is held with a fence; returns 1 if it was. KEYS: lease. ARGV: time, fence, ttl.
local at = now()
local held = redis.call('HMGET', KEYS[1], 'fence', 'until', 'generation')
if held[1] ~= ARGV[2] or held[3] ~= GENERATION or tonumber(held[2]) <= at then return 0 end
redis.call('HSET', KEYS[1], 'until', int(at + tonumber(ARGV[3])))
return 1
