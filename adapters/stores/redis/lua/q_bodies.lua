-- Collects the bodies that items tell, each once, as number and body in turns. `collect` says whether an item can be told.
local bodies, collected = {}, {}

local function collect(text)
  local number = string.match(text, '"told":"body (%d+)"')
  if not number then return true end
  if collected[number] == nil then
    local body = redis.call('GET', 'evb:' .. number)
    collected[number] = body and true or false
    if body then
      bodies[#bodies + 1] = number
      bodies[#bodies + 1] = body
    end
  end
  return collected[number]
end
