-- What the scripts of leases share. KEYS: lease, counter, what everybody holds. The hash of a lease says who holds it with
-- which fence, or for whom it is kept (`to`); until when; and since when and until when others have asked for it.
-- A lease of an earlier generation of the log is void: its holder has to compare what it knows with what is here.
local ASKING = 2500 -- Milliseconds after which who asked asks no longer: one who waits does so every second.

-- The lease as it is now.
local function lease(at)
  local found = redis.call('HMGET', KEYS[1], 'holder', 'fence', 'to', 'until', 'generation')
  if not found[4] or found[5] ~= GENERATION or tonumber(found[4]) <= at then return {} end
  return {holder = found[1], fence = found[2], to = found[3]}
end

-- Notes who has the lease, or is to have it, until when.
local function note(who, ends)
  redis.call('HSET', KEYS[1], 'until', int(ends), 'generation', GENERATION)
  redis.call('HSET', KEYS[3], KEYS[1], int(ends) .. ' ' .. who)
end

-- How many leases each one has, or is to have.
local function counts(at)
  local count, all = {}, redis.call('HGETALL', KEYS[3])
  for n = 1, #all, 2 do
    local ends, who = string.match(all[n + 1], '^(%d+) (.*)$')
    if tonumber(ends) <= at then
      redis.call('HDEL', KEYS[3], all[n])
    else
      count[who] = (count[who] or 0) + 1
    end
  end
  return count
end

-- Who asks for the lease, and since when.
local function asking(at)
  local since, all = {}, redis.call('HGETALL', KEYS[1])
  for n = 1, #all, 2 do
    local who = string.match(all[n], '^asks:(.*)$')
    if who then
      local first, last = string.match(all[n + 1], '^(%d+) (%d+)$')
      if at - last > ASKING then
        redis.call('HDEL', KEYS[1], all[n])
      else
        since[who] = tonumber(first)
      end
    end
  end
  return since
end

-- Of those who have asked for the lease since `before`, the one that has fewest, then the one that has asked longest.
local function neediest(at, before, but)
  local count, best = counts(at), nil
  for who, since in pairs(asking(at)) do
    local one = {who = who, has = count[who] or 0, since = since}
    local less = not best or one.has < best.has
    if best and one.has == best.has then
      less = one.since < best.since or one.since == best.since and one.who < best.who
    end
    if who ~= but and since <= before and less then best = one end
  end
  return best, count[but] or 0
end
