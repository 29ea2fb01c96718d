-- Notes that a pod lives, and forgets those that were silent for long; returns the time. ARGV: time, pod.
local SILENT = 3000 -- Milliseconds after which a pod counts as dead.
local GAP = 2000 -- Nobody was heard for longer than this, so nobody could be: all are given time to say that they live.

local at = now()
local latest = redis.call('ZREVRANGE', 'pods', 0, 0, 'WITHSCORES')[2]
if latest and (at - latest > GAP or at < tonumber(latest)) then
  for _, pod in ipairs(redis.call('ZRANGE', 'pods', 0, -1)) do redis.call('ZADD', 'pods', int(at), pod) end
end
redis.call('ZADD', 'pods', int(at), ARGV[2])
redis.call('ZREMRANGEBYSCORE', 'pods', '-inf', int(at - SILENT))
return int(at)
