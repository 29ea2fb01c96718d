-- What the scripts of subscriptions share. The fields `created`, `expires` and `rev` go before those of the same
-- meaning in `data`.
local HISTORY_KEPT = 10000
local TOMB_KEPT = 3600000 -- How long it is known of one that ended, in milliseconds, so that nothing brings it back.

-- A subscription as it is returned, or nothing.
local function row(id)
  local row = redis.call('HMGET', 'submeta:' .. id, 'data', 'created', 'expires', 'rev')
  return row[1] and row
end

-- The end of a lease. A time after the end of whole doubles is never.
local function after(at, lease) return int(math.min(at + tonumber(lease), 2 ^ 53)) end

-- Writes a step of the history; `rematch` says that events may go to other subscriptions from now on.
local function changed(id, rematch)
  local version = redis.call('INCR', 'subs:ver')
  if rematch then redis.call('SET', 'subs:matched', int(version)) end
  redis.call('ZADD', 'subs:hist', int(version), id)
  redis.call('ZREMRANGEBYSCORE', 'subs:hist', '-inf', int(version - HISTORY_KEPT))
end

-- Writes a subscription that is new or another revision; which likeness it has is its caller's to write.
local function store(id, data, shown, owner, likeness, state, rev, lease, created, expires)
  redis.call('SET', 'subscription:' .. id, shown)
  redis.call('HSET', 'submeta:' .. id, 'data', data, 'owner', owner, 'like', likeness, 'state', state, 'rev', rev,
    'lease', lease, 'created', created, 'expires', expires)
  redis.call('ZADD', 'subs:all', 0, id)
  redis.call('ZADD', 'subs:owner:' .. owner, 0, id)
  redis.call('ZADD', 'subs:exp', expires, id)
  changed(id, true)
end

-- Whether a subscription is here with all that finds it, and its queue where takers look.
local function is_whole(id)
  local meta = redis.call('HMGET', 'submeta:' .. id, 'owner', 'like', 'state')
  local whole = meta[1] and redis.call('GET', 'subscription:' .. id)
    and redis.call('HEXISTS', 'subs:like', meta[2]) == 1 and redis.call('HEXISTS', 'qmeta:' .. id, 'last_sequence') == 1
  for _, set in ipairs({'subs:all', 'subs:exp', 'subs:owner:' .. (meta[1] or '')}) do
    whole = whole and redis.call('ZSCORE', set, id)
  end
  if not whole or meta[3] ~= 'active' or redis.call('EXISTS', 'q:' .. id) == 0 then return whole end
  local slot = redis.call('HGET', 'qmeta:' .. id, 'slot')
  return slot and redis.call('ZSCORE', 'ready', slot)
end

-- Moves the end of a lease.
local function prolong(id, expires)
  redis.call('HSET', 'submeta:' .. id, 'expires', expires)
  redis.call('ZADD', 'subs:exp', expires, id)
  changed(id, false)
end

local function unlike(id, likeness)
  if redis.call('HGET', 'subs:like', likeness) == id then redis.call('HDEL', 'subs:like', likeness) end
end

-- Takes a subscription out of everything but its queue, its dead letters and the history.
local function take(id)
  local meta = redis.call('HMGET', 'submeta:' .. id, 'owner', 'like')
  unplace(id)
  if meta[1] then
    unlike(id, meta[2])
    redis.call('ZREM', 'subs:owner:' .. meta[1], id)
  end
  redis.call('ZREM', 'subs:all', id)
  redis.call('ZREM', 'subs:exp', id)
  redis.call('DEL', 'subscription:' .. id, 'submeta:' .. id)
  changed(id, false)
end

-- Forgets a queue. Nothing in it is referred to any more.
local function forget(id)
  unclaim(id)
  redis.call('UNLINK', 'q:' .. id, 'qmeta:' .. id, 'qatt:' .. id)
end

-- Remembers that one was deleted, by which call, or that it expired.
local function bury_name(id, rev, call) redis.call('SET', 'tomb:' .. id, rev .. ' ' .. call, 'PX', TOMB_KEPT) end

-- Removes one with all its traces.
local function remove(id)
  take(id)
  for _, text in ipairs(redis.call('LRANGE', 'q:' .. id, 0, -1)) do drop(read(text).told) end
  for _, number in ipairs(redis.call('ZRANGE', 'qdead:' .. id, 0, -1)) do discard(number) end
  forget(id)
  redis.call('UNLINK', 'qdead:' .. id)
end

-- Ends one; its queued items become dead letters, which stay readable for a while. Returns how many.
local function expire(id, at)
  local rev = redis.call('HGET', 'submeta:' .. id, 'rev')
  take(id)
  if rev then bury_name(id, rev, '') end
  local items = redis.call('LRANGE', 'q:' .. id, 0, -1)
  for _, text in ipairs(items) do bury(id, read(text), 'expired', at) end
  forget(id)
  if redis.call('EXISTS', 'qdead:' .. id) == 1 then redis.call('ZADD', 'graves', at, id) end
  return #items
end

-- The live subscription that has this likeness. One that has expired gives way.
local function twin(likeness, at)
  local id = redis.call('HGET', 'subs:like', likeness)
  if not id or is_live(id, at) then return id end
  expire(id, int(at))
  return false
end
