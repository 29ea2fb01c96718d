-- Puts a subscription in place of the revision that it was made of, and renews the lease; returns it.
-- ARGV: time, id, that revision, data, what the interface shows, likeness, state, name of the call, whether events may
-- go to others (1), whether the owner acted, so that it is tried at once (1).
local at, id, likeness = now(), ARGV[2], ARGV[6]
if not is_live(id, at) then return refuse('UNKNOWN') end
local meta = redis.call('HMGET', 'submeta:' .. id, 'rev', 'like', 'call', 'lease')
if meta[3] == ARGV[8] then return row(id) end -- The same call came twice.
if meta[1] ~= ARGV[3] then return refuse('REVISION') end
local other = twin(likeness, at)
if other and other ~= id then return refuse('TWIN') end

local expires = after(at, meta[4])
unlike(id, meta[2])
redis.call('HSET', 'subs:like', likeness, id)
redis.call('SET', 'subscription:' .. id, ARGV[5])
redis.call('HSET', 'submeta:' .. id, 'data', ARGV[4], 'like', likeness, 'state', ARGV[7], 'rev', int(meta[1] + 1),
  'expires', expires, 'call', ARGV[8])
redis.call('ZADD', 'subs:exp', expires, id)
changed(id, ARGV[9] == '1')

if ARGV[10] == '1' and redis.call('HEXISTS', 'qmeta:' .. id, 'claim') == 0 then
  redis.call('HDEL', 'qmeta:' .. id, 'failures')
  redis.call('HSET', 'qmeta:' .. id, 'due', int(at))
end
place(id)
return row(id)
