-- Removes one with all its traces; returns the revision that it had.
-- ARGV: time, id, revision that it must have, or empty for any, name of the call.
local id = ARGV[2]
local dead = redis.call('GET', 'tomb:' .. id)
if dead and string.match(dead, ' (.*)$') == ARGV[4] then return string.match(dead, '^%d+') end -- The same call came twice.
if not is_live(id, now()) then return refuse('UNKNOWN') end
local rev = redis.call('HGET', 'submeta:' .. id, 'rev')
if ARGV[3] ~= '' and rev ~= ARGV[3] then return refuse('REVISION') end

remove(id)
bury_name(id, rev, ARGV[4])
return rev
