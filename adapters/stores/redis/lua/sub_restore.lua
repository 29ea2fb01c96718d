-- Puts subscriptions as they are, unless this server knows better: the same or a later revision, or that they ended.
-- Returns how many it lacked.
-- ARGV: time, whether the server was empty (1), then of each: id, data, what the interface shows, owner, likeness, state,
-- revision, lease, created, expires. One that was deleted has nothing but its id and its revision.
local at, put = now(), 0

local function known_revision(id)
  local rev = redis.call('HGET', 'submeta:' .. id, 'rev')
  local dead = redis.call('GET', 'tomb:' .. id)
  return math.max(tonumber(rev or '0'), tonumber(dead and string.match(dead, '^%d+') or '0')), rev
end

for n = 3, #ARGV, 10 do
  local id, likeness, expires = ARGV[n], ARGV[n + 4], ARGV[n + 9]
  local revision, rev = known_revision(id)
  if ARGV[n + 1] == '' then
    if revision <= tonumber(ARGV[n + 6]) then
      if rev then remove(id) end
      bury_name(id, ARGV[n + 6], '')
    end
  elseif tonumber(expires) > lease_time(at) then
    if revision < tonumber(ARGV[n + 6]) then
      if rev then
        unlike(id, redis.call('HGET', 'submeta:' .. id, 'like'))
      else
        put = put + 1
        -- Consumers saw sequence numbers that this server does not know of.
        if ARGV[2] == '1' then redis.call('HSET', 'qmeta:' .. id, 'last_sequence', int(at)) end
      end
      redis.call('SET', 'subscription:' .. id, ARGV[n + 2])
      redis.call('HSET', 'submeta:' .. id, 'data', ARGV[n + 1], 'owner', ARGV[n + 3], 'like', likeness,
        'state', ARGV[n + 5], 'rev', ARGV[n + 6], 'lease', ARGV[n + 7], 'created', ARGV[n + 8], 'expires', expires)
      redis.call('HSETNX', 'subs:like', likeness, id)
      redis.call('ZADD', 'subs:all', 0, id)
      redis.call('ZADD', 'subs:owner:' .. ARGV[n + 3], 0, id)
      redis.call('ZADD', 'subs:exp', expires, id)
      changed(id, true)
      place(id)
    elseif rev and tonumber(rev) == tonumber(ARGV[n + 6]) then
      -- The same revision: at most the lease was renewed.
      if tonumber(redis.call('HGET', 'submeta:' .. id, 'expires')) < tonumber(expires) then
        redis.call('HSET', 'submeta:' .. id, 'expires', expires)
        redis.call('ZADD', 'subs:exp', expires, id)
        changed(id, false)
      end
    end
  end
end
return put
