-- Returns which rows there are of a source: position, ids of each kind. KEYS: .., rows of each kind.
local generation, head = position()
local ids = {}
for n = 4, #KEYS do ids[n - 3] = redis.call('HKEYS', KEYS[n]) end
return {generation, int(head), ids}
