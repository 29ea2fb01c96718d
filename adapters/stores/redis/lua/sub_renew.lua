-- Renews the lease of one and returns it, or nothing. ARGV: time, id, lease, or empty for its own.
local at, id = now(), ARGV[2]
if not is_live(id, at) then return false end
prolong(id, after(at, ARGV[3] ~= '' and ARGV[3] or redis.call('HGET', 'submeta:' .. id, 'lease')))
return row(id)
