-- Returns the version, whether the changes are complete (1), and of each change the id and the subscription or nothing.
-- ARGV: time, version that is known.
local at, known = now(), tonumber(ARGV[2])
local version = tonumber(redis.call('GET', 'subs:ver') or '0')
local complete = known > version or known < version - HISTORY_KEPT

local changes = {}
local function tell(id)
  local live = is_live(id, at) and row(id)
  -- What ended has a tomb. What is in the history, and neither here nor buried, has vanished, and comes back: a server whose
  -- memory is full may have dropped everything but the history.
  local vanished = not live and redis.call('EXISTS', 'submeta:' .. id, 'tomb:' .. id) == 0
  if live or not complete and not vanished then changes[#changes + 1] = {id, live} end
end
if complete then
  for _, id in ipairs(redis.call('ZRANGE', 'subs:all', 0, -1)) do tell(id) end
else
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'subs:hist', '(' .. int(known), '+inf')) do tell(id) end
end
return {int(version), complete and 1 or 0, changes}
