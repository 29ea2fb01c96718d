-- Notes that a pod lives; returns the time, and how many other pods are silent. ARGV: time, pod.
local GAP = 2000 -- Nobody was heard for longer than this, so nobody could be: all are given time to say that they live.

local at = now()
local latest = redis.call('ZRANGE', 'pods', -1, -1, 'WITHSCORES')[2]
if latest and (at - latest > GAP or at < tonumber(latest)) then
  for _, pod in ipairs(redis.call('ZRANGE', 'pods', 0, -1)) do redis.call('ZADD', 'pods', int(at), pod) end
end
redis.call('ZADD', 'pods', int(at), ARGV[2])
return {int(at), #silent_pods(at)}
