-- Takes a lease from whoever holds it; returns 1 if anybody did. ARGV: time.
local found = lease(now())
if not found.holder then return 0 end
redis.call('HDEL', KEYS[1], 'holder', 'fence', 'until')
redis.call('HDEL', KEYS[3], KEYS[1])
redis.call('PUBLISH', 'netweave:lease', '')
return 1
