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

-- Gives a claimed queue; returns whether it may be taken again when the claim runs out.
local function give(id, token, items)
  for n, item in ipairs(items) do
    if not collect(item) then items[n] = without_event(id, n, item) end
  end
  local data, created, expires, rev, state =
    unpack(redis.call('HMGET', 'submeta:' .. id, 'data', 'created', 'expires', 'rev', 'state'))
  local lives = sure and data and expires and tonumber(expires) > lease_time(at)
  claims[#claims + 1] = {id, token, items, lives and {data, created, expires, rev}}
  return state == 'active'
end

local function items_of(id) return redis.call('LRANGE', 'q:' .. id, 0, tonumber(ARGV[3]) - 1) end

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
    give(one[1], one[2], items_of(one[1]))
  end
  return {claims, bodies}
end
local due = redis.call('ZRANGEBYSCORE', 'ready', '-inf', int(at), 'LIMIT', 0, ARGV[2])
if #due == 0 then return {claims, bodies} end
redis.call('ZADD', 'pods', 'NX', int(at), pod) -- Whoever holds something is missed when it dies.

local token, turn = numbers_after('ready:claims', #due), numbers_after('ready:turn', #due)
local left, placed, held = due, {}, {'', call} -- `claimed:POD` says by which call, so that the call may come again.

-- Gives a queue to this pod until `ends`.
local function claim(id, number, former)
  local items = items_of(id)
  if #items == 0 then return let_go(id, int(at)) end
  if former and former ~= pod then redis.call('HDEL', 'claimed:' .. former, id) end
  local text, meta = int(token + number), {'claim', int(token + number), 'pod', pod, 'due', ends}
  if give(id, text, items) then
    local slot = slot_of(turn + number, id)
    meta[7], meta[8] = 'slot', slot
    placed[#placed + 1], placed[#placed + 2] = ends, slot
  else
    redis.call('HDEL', 'qmeta:' .. id, 'slot')
  end
  redis.call('HSET', 'qmeta:' .. id, unpack(meta))
  held[#held + 1], held[#held + 2] = id, text .. ' ' .. call
end

for number, slot in ipairs(due) do
  local id = string.match(slot, '^%d+:(.*)$')
  local former, known = unpack(redis.call('HMGET', 'qmeta:' .. id, 'pod', 'slot'))
  -- A queue that stands somewhere else now was put there after its place here had been lost sight of.
  if not known or known == slot then claim(id, number, former) end
end
with_all('ZREM', 'ready', left)
with_all('ZADD', 'ready', placed)
with_all('HSET', claimed, held)
return {claims, bodies}
