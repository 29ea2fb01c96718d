-- Returns when the next queue falls due, or nothing. ARGV: time.
local slot = redis.call('ZRANGE', 'ready', 0, 0)[1]
return slot and redis.call('HGET', 'qmeta:' .. string.match(slot, '^%d+:(.*)$'), 'due')
