-- Returns what is known of a source beside its rows: position, source. KEYS: .., source.
local generation, head = position()
return {generation, int(head), redis.call('HGETALL', KEYS[4])}
