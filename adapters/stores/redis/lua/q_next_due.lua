-- Returns in how many milliseconds the next queue falls due, or nothing. ARGV: time.
local slot = redis.call('ZRANGE', 'ready', 0, 0)[1]
if not slot then return false end
local due = redis.call('HGET', 'qmeta:' .. string.match(slot, '^%d+:(.*)$'), 'due')
return int(math.max(0, tonumber(due) - now()))
