-- The fan-out cursor. It begins where the log begins.
local function cursor()
  local at = redis.call('MGET', 'fan:generation', 'fan:cursor')
  if at[1] ~= GENERATION then return '0' end
  return at[2] or '0'
end
