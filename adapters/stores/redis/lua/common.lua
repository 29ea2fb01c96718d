-- What all scripts share. Refusals are error replies that begin with NW.
local sys = redis.call('MGET', 'log:generation', 'sys:held', 'sys:hold')
if sys[1] ~= GENERATION then return redis.error_reply('NW SWITCHED') end

local function now()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The time by which leases of subscriptions end: it stands still from an outage on until their owners could renew them.
local function lease_time(at)
  if sys[3] and at < tonumber(sys[3]) then return math.min(at, tonumber(sys[2])) end
  return at
end

-- Whole numbers as text without an exponent.
local function int(number) return string.format('%.0f', number) end

local function refuse(code) return redis.error_reply('NW ' .. code) end
