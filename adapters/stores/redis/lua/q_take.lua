-- Claims queues that are due, the longest first; returns of each the id, the token, the items, and the subscription if it
-- lives and nobody may know better after a switch; and then the bodies.
-- ARGV: time, how many queues, how many items of each, how long they are held, pod, call.
local at, pod, call, claims = now(), ARGV[5], ARGV[6], {}
local ends = int(at + tonumber(ARGV[4]))
local claimed, sure = 'claimed:' .. pod, settled(at)

-- Puts a notice in the place of an item whose event has vanished: its consumer reads the inventory again.
local function without_event(id, n, text)
  local item = read(text)
  drop(item.told)
  item.told = 'resync 1'
  redis.call('LSET', 'q:' .. id, n - 1, write(item))
  return write(item)
end

local function give(id, token)
  local items = redis.call('LRANGE', 'q:' .. id, 0, tonumber(ARGV[3]) - 1)
  for n, item in ipairs(items) do
    if not collect(item) then items[n] = without_event(id, n, item) end
  end
  claims[#claims + 1] = {id, token, items, sure and is_live(id, at) and row(id)}
end

-- The queues that this call has claimed and the pod still holds, in the order in which they were claimed.
local function given()
  local held, all = {}, redis.call('HGETALL', claimed)
  for n = 1, #all, 2 do
    local token, taken = string.match(all[n + 1], '^(%d+) (.*)$')
    if taken == call and redis.call('EXISTS', 'q:' .. all[n]) == 1 then held[#held + 1] = {all[n], token} end
  end
  table.sort(held, function(a, b) return tonumber(a[2]) < tonumber(b[2]) end)
  return held
end

if redis.call('HGET', claimed, '') == call then -- The same call came twice, perhaps long after.
  for _, one in ipairs(given()) do
    redis.call('HSET', 'qmeta:' .. one[1], 'due', ends)
    place(one[1])
    give(one[1], one[2])
  end
  return {claims, bodies}
end
local due = redis.call('ZRANGEBYSCORE', 'ready', '-inf', int(at), 'LIMIT', 0, ARGV[2])
if #due > 0 then
  redis.call('HSET', claimed, '', call)
  redis.call('ZADD', 'pods', 'NX', int(at), pod) -- Whoever holds something is missed when it dies.
end
for _, slot in ipairs(due) do
  local id = string.match(slot, '^%d+:(.*)$')
  give(id, claim(id, pod, call, ends))
end
return {claims, bodies}
