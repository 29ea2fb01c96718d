-- Writes down what this pod has counted for each key since it began, and returns what all others have together.
-- ARGV: time, pod, then a total for each key.
local FORGOTTEN = 120000 -- After so many milliseconds in which nobody speaks of a key.
local others = {}
for index, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[2], ARGV[2 + index])
  redis.call('PEXPIRE', key, FORGOTTEN)
  local all, sum = redis.call('HGETALL', key), 0
  for field = 1, #all, 2 do
    if all[field] ~= ARGV[2] then sum = sum + tonumber(all[field + 1]) end
  end
  others[index] = int(sum)
end
return others
