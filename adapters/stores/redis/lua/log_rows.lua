-- Returns rows of one kind, or nothing for those that are gone. KEYS: .., rows. ARGV: time, ids.
return redis.call('HMGET', KEYS[4], unpack(ARGV, 2))
