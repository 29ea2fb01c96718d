-- Time and numbers, for every script.
local function now()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Whole numbers as text without an exponent.
local function int(number) return string.format('%.0f', number) end
