-- Returns all that is known of a source: position, source, rows of each kind. KEYS: .., source, rows of each kind.
local generation, head = position()
local rows = {}
for n = 5, #KEYS do rows[n - 4] = redis.call('HGETALL', KEYS[n]) end
return {generation, int(head), redis.call('HGETALL', KEYS[4]), rows}
