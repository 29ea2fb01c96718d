local CREDIT = 30000 -- Milliseconds in which owners can renew after an outage, at least.

-- Leases of subscriptions end as if time had stood still since `alive`, while owners could not renew them.
local function hold_leases(at, alive)
  redis.call('MSET', 'sys:held', int(alive), 'sys:hold', int(at + math.max(CREDIT, at - alive)), 'sys:alive', int(at))
end
