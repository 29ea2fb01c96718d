-- Prolongs a lease that is held with a fence; returns whether it was (1), and whether it is to be given back (2), as one
-- who has asked for it for long has fewer leases, by two at least. ARGV: time, fence, ttl.
local PATIENT = 5000 -- How long one must have asked, so that one that comes and goes moves nothing.
local at = now()
local found = lease(at)
if found.fence ~= ARGV[2] then return 0 end

local to = found.to
if to and not asking(at)[to] then
  redis.call('HDEL', KEYS[1], 'to')
  to = nil
end
if not to then
  note(found.holder, at + tonumber(ARGV[3]))
  local other, has = neediest(at, at - PATIENT, found.holder)
  if other and other.has + 1 < has then
    to = other.who
    redis.call('HSET', KEYS[1], 'to', to)
  end
end
-- Counted at once as the other one's, so that not more is given back than is wanted.
if to then note(to, at + tonumber(ARGV[3])) end
return to and 2 or 1
