-- Takes a lease: returns its fence, or nothing if another one holds it. KEYS: lease, counter. ARGV: time, holder, ttl.
-- A lease of an earlier generation of the log is void: its holder has to compare what it knows with what is here.
local at = now()
local held = redis.call('HMGET', KEYS[1], 'holder', 'fence', 'until', 'generation')
local fence = held[2]
if held[1] and held[4] == GENERATION and tonumber(held[3]) > at then
  if held[1] ~= ARGV[2] then return false end
else
  fence = redis.call('INCR', KEYS[2])
end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'fence', fence, 'until', int(at + tonumber(ARGV[3])),
  'generation', GENERATION)
return tonumber(fence)
