-- What the log's scripts share. KEYS begin with: generation, head, log.

-- Where the log ends. A server that has no log, or lost it, starts one of a new generation.
local function position()
  local at = redis.call('MGET', KEYS[1], KEYS[2])
  if at[1] and at[2] then return at[1], tonumber(at[2]) end
  local generation = int(math.max(1, now()))
  redis.call('DEL', KEYS[3])
  redis.call('MSET', KEYS[1], generation, KEYS[2], '0')
  return generation, 0
end
