-- Stores a new subscription, unless there is one like it or too many; returns what came of it, and the subscription.
-- ARGV: time, id, data, what the interface shows, owner, likeness, lease, how many of an owner, how many of all.
local at, id, owner, likeness = now(), ARGV[2], ARGV[5], ARGV[6]

local other = twin(likeness, at)
if other == id then return {'NEW', row(id)} end -- The same call came twice.
if other then return {'DUPLICATE', row(other)} end

local expired = redis.call('ZRANGEBYSCORE', 'subs:exp', '-inf', int(lease_time(at)))
local all, of_owner = redis.call('ZCARD', 'subs:all') - #expired, redis.call('ZCARD', 'subs:owner:' .. owner)
for _, gone in ipairs(expired) do
  if redis.call('HGET', 'submeta:' .. gone, 'owner') == owner then of_owner = of_owner - 1 end
end
if of_owner >= tonumber(ARGV[8]) or all >= tonumber(ARGV[9]) then return {'QUOTA'} end

local expires = after(at, ARGV[7])
store(id, ARGV[3], ARGV[4], owner, likeness, 'active', '1', ARGV[7], int(at), expires)
redis.call('HSET', 'subs:like', likeness, id)
redis.call('HSET', 'qmeta:' .. id, 'last_sequence', '0')
return {'NEW', row(id)}
