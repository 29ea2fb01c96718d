-- Ends those whose lease has run out, the longest ago first, and forgets dead letters of those that ended long ago.
-- Returns what ended. ARGV: time, how many at most, how long ago is long ago, how long nobody may have swept, or empty: after
-- a longer time owners could not renew, so the end of leases is held back for as long again.
local STEP = 10000 -- How many items and dead letters one sweep moves, so that the server is soon free for others.
local at, ended, moved = now(), {}, 0

local alive = tonumber(redis.call('GET', 'sys:alive') or int(at))
if ARGV[4] ~= '' and at - alive > tonumber(ARGV[4]) then
  hold_leases(at, alive)
  return ended
end
redis.call('SET', 'sys:alive', int(at))

for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'subs:exp', '-inf', int(lease_time(at)), 'LIMIT', 0, ARGV[2])) do
  if moved >= STEP then break end
  ended[#ended + 1] = row(id) or nil
  moved = moved + expire(id, int(at))
end

local before = '(' .. int(at - tonumber(ARGV[3]))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'graves', '-inf', before, 'LIMIT', 0, 100)) do
  if moved >= STEP then break end
  local dead = redis.call('ZRANGE', 'qdead:' .. id, 0, STEP - moved - 1)
  for _, number in ipairs(dead) do
    discard(number)
    redis.call('ZREM', 'qdead:' .. id, number)
  end
  moved = moved + #dead
  if redis.call('EXISTS', 'qdead:' .. id) == 0 then redis.call('ZREM', 'graves', id) end
end
return ended
