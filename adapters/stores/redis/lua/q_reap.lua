-- Gives on what silent pods held, so that others deliver it at once, and forgets those pods. ARGV: time.
local STEP = 1000 -- How many claims are given on at most, so that the server is soon free for others.
local at, given = now(), 0

-- Returns whether nothing is left of the pod.
local function reap(pod)
  local claims = redis.call('HGETALL', 'claimed:' .. pod)
  for n = 1, #claims, 2 do
    local id, token = claims[n], string.match(claims[n + 1], '^%d+')
    if id ~= '' and redis.call('HGET', 'qmeta:' .. id, 'claim') == token then
      if given == STEP then return false end
      let_go(id, int(at))
      given = given + 1
    end
  end
  redis.call('DEL', 'claimed:' .. pod)
  return true
end

for _, pod in ipairs(silent_pods(at)) do
  if reap(pod) then redis.call('ZREM', 'pods', pod) end
end
if given > 0 then redis.call('PUBLISH', 'netweave:work', '') end
return given
