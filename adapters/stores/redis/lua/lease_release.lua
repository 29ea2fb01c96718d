-- Gives a lease back that is held with a fence, and keeps it for a moment for one who asks for it. ARGV: time, fence.
local KEPT = 1000 -- Milliseconds; it is told at once.
local at = now()
local found = lease(at)
if found.fence ~= ARGV[2] then return 1 end

redis.call('HDEL', KEYS[1], 'holder', 'fence', 'until')
redis.call('HDEL', KEYS[3], KEYS[1])
local to = found.to and asking(at)[found.to] and found.to
if not to then
  local other = neediest(at, at, found.holder)
  to = other and other.who
end
if to then
  redis.call('HSET', KEYS[1], 'to', to)
  note(to, at + KEPT)
else
  redis.call('HDEL', KEYS[1], 'to')
end
redis.call('PUBLISH', 'netweave:lease', '')
return 1
