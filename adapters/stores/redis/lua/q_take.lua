-- Claims queues that are due, the longest first; returns of each subscription, token and items, and then the bodies.
-- ARGV: time, how many queues, how many items of each, end of the claims.
local due = redis.call('ZRANGEBYSCORE', 'ready', '-inf', int(now()), 'LIMIT', 0, ARGV[2])
local claims = {}
for n, slot in ipairs(due) do
  local id = string.match(slot, '^%d+:(.*)$')
  local items = redis.call('LRANGE', 'q:' .. id, 0, tonumber(ARGV[3]) - 1)
  for _, item in ipairs(items) do collect(item) end
  local token = int(redis.call('INCR', 'ready:claims'))
  redis.call('HSET', 'qmeta:' .. id, 'claim', token, 'due', ARGV[4])
  place(id)
  claims[n] = {id, token, items}
end
return {claims, bodies}
