-- `pods` says when each pod was heard last.
local SILENT = 3000 -- Milliseconds after which a pod counts as dead.

-- The pods that have been silent for too long.
local function silent_pods(at) return redis.call('ZRANGEBYSCORE', 'pods', '-inf', int(at - SILENT)) end
