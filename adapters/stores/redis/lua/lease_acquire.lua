-- Takes a lease: returns its fence, or nothing if another one has it or is to have it. ARGV: time, holder, ttl.
local at, holder = now(), ARGV[2]
local found = lease(at)

if found.holder ~= holder and (found.holder or found.to and found.to ~= holder) then
  local asked = 'asks:' .. holder
  local first, last = string.match(redis.call('HGET', KEYS[1], asked) or '', '^(%d+) (%d+)$')
  if not last or at - last > ASKING then first = int(at) end
  redis.call('HSET', KEYS[1], asked, first .. ' ' .. int(at))
  return false
end
local fence = found.fence
if not found.holder then
  fence = redis.call('INCR', KEYS[2])
  redis.call('HDEL', KEYS[1], 'to', 'asks:' .. holder)
  redis.call('HSET', KEYS[1], 'holder', holder, 'fence', fence)
end
note(found.to or holder, at + tonumber(ARGV[3]))
return tonumber(fence)
