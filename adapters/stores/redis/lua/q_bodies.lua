-- Collects the bodies that items tell, each once, as number and body in turns.
local bodies, collected = {}, {}

local function collect(text)
  local number = string.match(text, '"told":"body (%d+)"')
  if not number or collected[number] then return end
  collected[number] = true
  bodies[#bodies + 1] = number
  bodies[#bodies + 1] = redis.call('GET', 'evb:' .. number)
end
