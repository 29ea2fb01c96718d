-- Says in which generation of the log this server is, and begins a new one if another server wrote last or nothing is
-- there: what the last one acknowledged may be missing here. Sequence numbers go on, so that what is here keeps its own.
-- A replica is only read. Returns generation, head, what the server is (`primary`, `empty` if it had nothing, or
-- `replica`), and the region that sends notifications, or empty.
-- ARGV: time, the generation that the caller knows, or empty; the caller's region, or empty; 1 if it takes over for it; the
-- schema version that the caller knows to be here, or empty, and the one that is here from now on.
local LAG = 1000000 -- More than any counter can have run ahead of what reached this server.
local OUTAGE = 60000 -- Nobody has swept for longer than this, so nobody could renew.

local schema = redis.call('GET', 'sys:schema') or ''
if schema ~= ARGV[5] then return redis.error_reply('NW SCHEMA ' .. schema) end
local run, at = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), now()
local known = redis.call('MGET', 'log:generation', 'log:head', 'sys:primary', 'sys:alive', 'sys:region')
local region = known[5] or ''
if string.find(redis.call('INFO', 'replication'), 'role:slave', 1, true) then
  if not (known[1] and known[2]) then return redis.error_reply('NW EMPTY') end
  return {known[1], known[2], 'replica', region}
end

local takes_over = ARGV[4] == '1' and region ~= ARGV[3]
if ARGV[3] ~= '' and (takes_over or region == '') then
  region = ARGV[3]
  redis.call('SET', 'sys:region', region)
end
if schema ~= ARGV[6] then redis.call('SET', 'sys:schema', ARGV[6]) end
local alive = math.min(at, tonumber(known[4] or int(at)))

if known[1] and known[2] and known[3] == run and not takes_over then
  if at - alive > OUTAGE then hold_leases(at, alive) end
  return {known[1], known[2], 'primary', region}
end

local empty = not (known[1] and known[2])
local before = math.max(tonumber(known[1] or '0'), tonumber(ARGV[2] ~= '' and ARGV[2] or '0'))
local generation = int(math.max(at, before + 1, 1))
if empty then
  -- Whoever saw an earlier log must notice the gap, so there is one: a first entry that is not there.
  redis.call('DEL', 'log', 'fan:part')
  known[2] = before > 0 and '1' or '0'
  redis.call('SET', 'fan:cursor', '0')
end
redis.call('MSET', 'log:generation', generation, 'log:head', known[2], 'sys:primary', run,
  'sys:before', empty and '' or known[1])
if before > 0 then
  redis.call('SET', 'subs:matched', int(redis.call('INCRBY', 'subs:ver', LAG)))
  redis.call('INCRBY', 'lease-fence', LAG)
  hold_leases(at, alive)
  redis.call('SET', 'sys:unsettled', int(at))
  redis.call('DEL', 'sys:entered')
end
return {generation, known[2], empty and 'empty' or 'primary', region}
