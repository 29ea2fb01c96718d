-- Gives a lease back that is held with a fence. KEYS: lease. ARGV: time, fence.
if redis.call('HGET', KEYS[1], 'fence') == ARGV[2] then redis.call('DEL', KEYS[1]) end
return 1
