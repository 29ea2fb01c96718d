-- Returns the version, whether the changes are complete (1), and of each change the id and the subscription or nothing.
-- ARGV: time, version that is known.
local at, known = now(), tonumber(ARGV[2])
local version = tonumber(redis.call('GET', 'subs:ver') or '0')
local complete = known > version or known < version - HISTORY_KEPT

local changes = {}
local function tell(id)
  local live = is_live(id, at) and row(id)
  -- What ended was taken out of the set. What is named there and gone has vanished, and comes back.
  local vanished = not live and redis.call('EXISTS', 'submeta:' .. id) == 0 and redis.call('ZSCORE', 'subs:all', id)
  if live or not complete and not vanished then changes[#changes + 1] = {id, live} end
end
if complete then
  for _, id in ipairs(redis.call('ZRANGE', 'subs:all', 0, -1)) do tell(id) end
else
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'subs:hist', '(' .. int(known), '+inf')) do tell(id) end
end
return {int(version), complete and 1 or 0, changes}
