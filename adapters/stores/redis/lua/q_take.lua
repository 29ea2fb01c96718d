-- Claims queues that are due, the longest first; returns of each subscription, token and items, and then the bodies.
-- ARGV: time, how many queues, how many items of each, how long they are held.
local at, claims = now(), {}
local due = redis.call('ZRANGEBYSCORE', 'ready', '-inf', int(at), 'LIMIT', 0, ARGV[2])
local held = int(at + tonumber(ARGV[4]))
for n, slot in ipairs(due) do
  local id = string.match(slot, '^%d+:(.*)$')
  local items = redis.call('LRANGE', 'q:' .. id, 0, tonumber(ARGV[3]) - 1)
  for _, item in ipairs(items) do collect(item) end
  local token = int(redis.call('INCR', 'ready:claims'))
  redis.call('HSET', 'qmeta:' .. id, 'claim', token, 'due', held)
  place(id)
  claims[n] = {id, token, items}
end
return {claims, bodies}
