-- What the scripts of queues and subscriptions share; src/keys.rs names the keys. Numbers travel as text, so that none
-- loses digits on its way through a double.
local ITEM = '{"sequence":%s,"born":%s,"queuedAt":%s,"attempts":%s,"told":"%s"}'
local READ = '{"sequence":(%d+),"born":(%d+),"queuedAt":(%-?%d+),"attempts":(%d+),"told":"([^"]+)"}'

-- Whether a subscription exists and its lease has not run out.
local function is_live(id, at)
  local expires = redis.call('HGET', 'submeta:' .. id, 'expires')
  return expires and tonumber(expires) > lease_time(at)
end

local function write(item)
  return string.format(ITEM, item.sequence, item.born, item.queued_at, item.attempts, item.told)
end

-- Finds the item in a text, which may be a dead letter.
local function read(text)
  local item = {}
  item.sequence, item.born, item.queued_at, item.attempts, item.told = string.match(text, READ)
  return item
end

-- Makes an item that was never tried; `born` is the sequence number that a notice's id is made of.
local function new(sequence, born, at, told)
  return {sequence = sequence, born = born, queued_at = at, attempts = '0', told = told}
end

local function next_sequence(id) return int(redis.call('HINCRBY', 'qmeta:' .. id, 'last_sequence', 1)) end

-- Puts an item at the end of a queue. An empty queue becomes due, unless it is claimed.
local function push(id, item)
  local empty = redis.call('RPUSH', 'q:' .. id, write(item)) == 1
  if empty and redis.call('HEXISTS', 'qmeta:' .. id, 'claim') == 0 then
    redis.call('HSET', 'qmeta:' .. id, 'due', item.queued_at)
  end
end

-- Takes a queue away from the pod that holds it.
local function unclaim(id)
  local pod = redis.call('HGET', 'qmeta:' .. id, 'pod')
  if not pod then return end
  redis.call('HDEL', 'claimed:' .. pod, id)
  redis.call('HDEL', 'qmeta:' .. id, 'claim', 'pod')
end

-- Takes the head of a queue.
local function pop(id)
  local text = redis.call('LPOP', 'q:' .. id)
  return text and read(text)
end

-- Takes a queue out of those that may be taken.
local function unplace(id)
  local slot = redis.call('HGET', 'qmeta:' .. id, 'slot')
  if not slot then return end
  redis.call('ZREM', 'ready', slot)
  redis.call('HDEL', 'qmeta:' .. id, 'slot')
end

-- The place of a queue among those that may be taken. It begins with the turn, so that queues that are due at the same
-- time stay in the order in which they became so.
local function slot_of(turn, id) return string.format('%016.0f', turn) .. ':' .. id end

-- Puts a queue where it belongs now, after any change to it.
local function place(id)
  unplace(id)
  if redis.call('EXISTS', 'q:' .. id) == 0 then return end
  if redis.call('HGET', 'submeta:' .. id, 'state') ~= 'active' then return end
  local slot = slot_of(redis.call('INCR', 'ready:turn'), id)
  redis.call('ZADD', 'ready', redis.call('HGET', 'qmeta:' .. id, 'due'), slot)
  redis.call('HSET', 'qmeta:' .. id, 'slot', slot)
end

-- Puts a queue in its place if it has none: something came to an empty queue.
local function place_new(id)
  if redis.call('HEXISTS', 'qmeta:' .. id, 'slot') == 0 then place(id) end
end

-- Ends a claim; the queue may be taken from `due` on.
local function let_go(id, due)
  unclaim(id)
  redis.call('HSET', 'qmeta:' .. id, 'due', due)
  place(id)
end
