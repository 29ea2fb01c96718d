-- What owners' calls were answered, so that one that comes again does nothing twice: the latest of each subscription.
local ASKED_KEPT = 8

-- The answer that a call was given, or nothing.
local function answered(id, call)
  for line in string.gmatch(redis.call('HGET', 'qmeta:' .. id, 'asked') or '', '[^\n]+') do
    local known, answer = string.match(line, '^(%S+) (.*)$')
    if known == call then return answer end
  end
end

-- Notes the answer to a call, in place of the oldest.
local function answer(id, call, text)
  local lines = {call .. ' ' .. text}
  for line in string.gmatch(redis.call('HGET', 'qmeta:' .. id, 'asked') or '', '[^\n]+') do
    if #lines < ASKED_KEPT then lines[#lines + 1] = line end
  end
  redis.call('HSET', 'qmeta:' .. id, 'asked', table.concat(lines, '\n'))
end
