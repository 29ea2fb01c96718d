-- Puts subscriptions as they are said to be, unless this server knows better: a later revision, or that they ended.
-- Returns of each what came of it: `put` if it was not here, `raised` if it was in an earlier revision, `mended` if it
-- was but could not be found by all that should find it, `known` if there was nothing to do, or `ended`.
-- ARGV: time, why: `switch`, `mend` if it lost keys under processes that live, or `import` from another store; then of
-- each: id, data, what the interface shows, owner, likeness, state, revision, lease, created, expires, the last sequence
-- number at least. One that was deleted has nothing but its id and its revision.
local at, why, outcomes, found = now(), ARGV[2], {}, 0
local was_empty = redis.call('GET', 'sys:before') == ''

local function known_revision(id)
  local rev = redis.call('HGET', 'submeta:' .. id, 'rev')
  local dead = redis.call('GET', 'tomb:' .. id)
  return math.max(tonumber(rev or '0'), tonumber(dead and string.match(dead, '^%d+') or '0')), rev
end

-- Gives a queue what it needs beside its items. Where its numbers are lost, they go on from the time: consumers saw
-- numbers that this server does not know of.
local function complete(id, is_new, sequence)
  local last = redis.call('HGET', 'qmeta:' .. id, 'last_sequence')
  if not last and (was_empty and why == 'switch' or why == 'mend') then sequence = int(at) end
  if not last or tonumber(last) < tonumber(sequence) then redis.call('HSET', 'qmeta:' .. id, 'last_sequence', sequence) end
  redis.call('HSETNX', 'qmeta:' .. id, 'due', int(at))
  if is_new and why == 'mend' then
    -- What happened while it was not here was not told.
    local sequence = next_sequence(id)
    push(id, new(sequence, sequence, int(at), 'resync 0'))
  end
  place(id)
end

local function put(n, id, likeness, rev, expires)
  if rev then unlike(id, redis.call('HGET', 'submeta:' .. id, 'like')) end
  local values = {unpack(ARGV, n, n + 9)}
  values[10] = expires
  store(unpack(values))
  redis.call('HSETNX', 'subs:like', likeness, id)
  complete(id, not rev, ARGV[n + 10])
end

local function end_here(id, said, revision, rev)
  if revision > said then return 'known' end
  if rev then remove(id) end
  bury_name(id, int(said), '')
  return 'ended'
end

local function restore(n)
  local id, data, _, _, likeness, _, said, _, _, expires = unpack(ARGV, n, n + 9)
  local revision, rev = known_revision(id)
  said = tonumber(said)
  if data == '' then return end_here(id, said, revision, rev) end
  if tonumber(expires) <= lease_time(at) or revision > said or revision == said and not rev then
    return rev and 'known' or 'ended'
  end
  if revision < said then
    put(n, id, likeness, rev, expires)
    return rev and 'raised' or 'put'
  end
  -- The same revision: at most the lease was renewed, or something of it vanished.
  local known = redis.call('HGET', 'submeta:' .. id, 'expires')
  local later = tonumber(known) < tonumber(expires) and expires or known
  if not is_whole(id) then
    put(n, id, likeness, rev, later)
    return 'mended'
  end
  if later ~= known then prolong(id, later) end
  return 'known'
end

for n = 3, #ARGV, 11 do
  local outcome = restore(n)
  outcomes[#outcomes + 1] = outcome
  if outcome == 'put' or outcome == 'mended' then found = found + 1 end
end
-- The history may have vanished as well: everyone reads all subscriptions again.
if why == 'mend' and found > 0 then
  redis.call('SET', 'subs:matched', int(redis.call('INCRBY', 'subs:ver', HISTORY_KEPT + 1)))
end
return outcomes
