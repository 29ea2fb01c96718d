-- What the scripts of one generation share. Refusals are error replies that begin with NW.
local sys = redis.call('MGET', 'log:generation', 'sys:held', 'sys:hold')
if sys[1] ~= GENERATION then return redis.error_reply('NW SWITCHED') end
-- A script for a replica, which has become the primary since.
if REPLICA and not string.find(redis.call('INFO', 'replication'), 'role:slave', 1, true) then
  return redis.error_reply('NW SWITCHED')
end

-- The time by which leases of subscriptions end: it stands still from an outage on until their owners could renew them.
-- A server whose memory is full may have dropped either key.
local function lease_time(at)
  if sys[2] and sys[3] and at < tonumber(sys[3]) then return math.min(at, tonumber(sys[2])) end
  return at
end

local function refuse(code) return redis.error_reply('NW ' .. code) end
