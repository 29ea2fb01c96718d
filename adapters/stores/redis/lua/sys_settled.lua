local ALL = 2000 -- Milliseconds in which every pod that is alive says something, at least that it lives.
local LONGEST = 5000 -- How long pods are waited for.

-- Whether every pod that is alive has said what it knows after a switch; none is waited for longer than five seconds. A
-- server that lost everything does not know who is alive, and waits until all must have been heard. A replica tells what
-- its primary has told it.
local function settled(at)
  if REPLICA then return true end
  local since = tonumber(redis.call('GET', 'sys:unsettled'))
  if not since then return true end
  if at < since + LONGEST then
    if redis.call('GET', 'sys:before') == '' and at < since + ALL then return false end
    for _, pod in ipairs(redis.call('ZRANGE', 'pods', 0, -1)) do
      if redis.call('SISMEMBER', 'sys:entered', pod) == 0 then return false end
    end
  end
  redis.call('DEL', 'sys:unsettled', 'sys:entered')
  return true
end
