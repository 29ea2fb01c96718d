-- The bodies of queued events, each kept once, and the dead letters.
local DEAD_KEPT = 10000
local DEAD = '{"subscription":"%s","reason":"%s","at":%s,"item":%s}'

-- Keeps an event under a fresh number; nothing refers to it yet.
local function keep(body)
  local number = int(redis.call('INCR', 'evb:last'))
  redis.call('SET', 'evb:' .. number, body)
  return 'body ' .. number
end

-- Counts further references to a body.
local function hold(told, count)
  local number = string.match(told, '^body (%d+)$')
  if number then redis.call('HINCRBY', 'evb:refs', number, count) end
end

-- Counts one reference less, or so many, and drops the body after the last one.
local function drop(told, count)
  local number = string.match(told, '^body (%d+)$')
  if not number or redis.call('HINCRBY', 'evb:refs', number, -(count or 1)) > 0 then return end
  redis.call('HDEL', 'evb:refs', number)
  redis.call('DEL', 'evb:' .. number)
end

-- Takes a dead letter back; the reference to its body stays with the item.
local function unearth(number)
  local text = redis.call('GETDEL', 'dead:' .. number)
  redis.call('ZREM', 'dead:all', number)
  return text and read(text)
end

-- Forgets a dead letter that its subscription no longer names.
local function discard(number)
  local item = unearth(number)
  if item then drop(item.told) end
end

-- Makes a dead letter of an item that left the queue; the reference to its body goes over.
local function bury(id, item, reason, at)
  local number = int(redis.call('INCR', 'dead:last'))
  redis.call('SET', 'dead:' .. number, string.format(DEAD, id, reason, at, write(item)))
  redis.call('ZADD', 'dead:all', number, number)
  redis.call('ZADD', 'qdead:' .. id, number, number)
  if redis.call('ZCARD', 'qdead:' .. id) > DEAD_KEPT then
    redis.call('HINCRBY', 'qmeta:' .. id, 'discarded', 1)
    discard(redis.call('ZPOPMIN', 'qdead:' .. id)[1])
  end
end

-- Remembers an attempt, in place of the oldest of a hundred.
local function remember(id, attempt)
  local length = redis.call('LPUSH', 'qatt:' .. id, attempt)
  if length > 100 then redis.call('LTRIM', 'qatt:' .. id, 0, 99) end
end

-- Takes the head off a claimed queue, does a step with it and returns 1, or does nothing and returns 0 because the claim is
-- not held. If an overflow has replaced the head meanwhile, the claim ends, and whoever takes the queue next sees the new one.
-- The step is given subscription, head, whether another item follows, and of the queue pod, slot and failures.
-- A call that comes again is answered as before, unless the step ends the claims of queues that are empty then, which
-- `empty_ends` says: there is no claim any more.
-- ARGV, from a place on: subscription, token, number of the head, attempt, call.
local function at_head(at, from, step, empty_ends)
  local id, token, sequence, attempt, call = unpack(ARGV, from, from + 4)
  local meta = redis.call('HMGET', 'qmeta:' .. id, 'claim', 'call', 'pod', 'slot', 'failures', 'last_sequence')
  if meta[2] == call then return 1 end
  if meta[1] ~= token then return 0 end
  remember(id, attempt)
  -- Behind the item that was queued last there should be none, so that this is the only look at the queue.
  local last = meta[6] == sequence
  local text, another = unpack(redis.call('LPOP', 'q:' .. id, last and 2 or 1) or {})
  if another then redis.call('LPUSH', 'q:' .. id, another) end
  local head, follows = text and read(text), another ~= nil
  if not last then follows = redis.call('EXISTS', 'q:' .. id) == 1 end
  if not head or head.sequence ~= sequence then
    if text then redis.call('LPUSH', 'q:' .. id, text) end
    let_go(id, at)
    return 0
  end
  if follows or not empty_ends then redis.call('HSET', 'qmeta:' .. id, 'call', call) end
  step(id, head, follows, meta[3], meta[4], meta[5])
  return 1
end
