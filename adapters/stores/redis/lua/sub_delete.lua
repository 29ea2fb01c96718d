-- Removes one with all its traces. ARGV: time, id, revision that it must have, or empty for any.
local id = ARGV[2]
if not is_live(id, now()) then return refuse('UNKNOWN') end
if ARGV[3] ~= '' and redis.call('HGET', 'submeta:' .. id, 'rev') ~= ARGV[3] then return refuse('REVISION') end

take(id)
for _, text in ipairs(redis.call('LRANGE', 'q:' .. id, 0, -1)) do drop(read(text).told) end
for _, number in ipairs(redis.call('ZRANGE', 'qdead:' .. id, 0, -1)) do discard(number) end
forget(id)
redis.call('UNLINK', 'qdead:' .. id)
return 1
