-- Whether every pod that is alive has said what it knows after a switch; none is waited for longer than five seconds.
local function settled(at)
  local limit = redis.call('GET', 'sys:unsettled')
  if not limit then return true end
  if at < tonumber(limit) then
    for _, pod in ipairs(redis.call('ZRANGE', 'pods', 0, -1)) do
      if redis.call('SISMEMBER', 'sys:entered', pod) == 0 then return false end
    end
  end
  redis.call('DEL', 'sys:unsettled', 'sys:entered')
  return true
end
