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

-- Puts one that is not here, or not in this revision.
local function put_back(n, id, likeness, rev)
  if rev then
    unlike(id, redis.call('HGET', 'submeta:' .. id, 'like'))
  else
    put = put + 1
    -- Consumers saw sequence numbers that this server does not know of.
    if ARGV[2] == '1' then redis.call('HSET', 'qmeta:' .. id, 'last_sequence', int(at)) end
  end
  store(unpack(ARGV, n, n + 9))
  redis.call('HSETNX', 'subs:like', likeness, id)
  place(id)
end

for n = 3, #ARGV, 10 do
  local id, data, _, _, likeness, _, said, _, _, expires = unpack(ARGV, n, n + 9)
  local revision, rev = known_revision(id)
  said = tonumber(said)
  if data == '' then
    if revision <= said then
      if rev then remove(id) end
      bury_name(id, int(said), '')
    end
  elseif tonumber(expires) > lease_time(at) then
    if revision < said then
      put_back(n, id, likeness, rev)
    elseif rev and tonumber(rev) == said then
      -- The same revision: at most the lease was renewed.
      if tonumber(redis.call('HGET', 'submeta:' .. id, 'expires')) < tonumber(expires) then prolong(id, expires) end
    end
  end
end
return put
