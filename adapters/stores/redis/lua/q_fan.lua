-- The fan-out cursor. One of another generation of the log counts no more: that log is gone.
local function cursor()
  local at = redis.call('MGET', 'fan:generation', 'fan:cursor')
  if at[1] ~= (position()) then return '0' end
  return at[2] or '0'
end
