-- Applies changes to the rows of a source, in order, and logs them; returns the position of the last entry.
-- KEYS: .., source, seen, then rows of each kind, then stages of each kind.
-- ARGV: time, source, fence, call, number of kinds, the kinds, then of each change: tag, kind, id, object.
--
-- A stage holds what was named since its `Reset`: object by id, or nothing where the object equals its row. It also
-- holds the empty id, so that there is a stage before anything was named. While there is one, its rows do not change.
local source, seen = KEYS[4], KEYS[5]
local name, fence, call, kinds = ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local generation, head = position()
local at, start, confirmed, trace = int(now()), head, false, nil

local held, last = unpack(redis.call('HMGET', source, 'fence', 'call'))
held = tonumber(held or '0')
if last == call then return {generation, int(head)} end -- The same call came twice.
-- What other pods have read of the log comes back first: it fits only until this generation writes.
if not settled(tonumber(at)) then return refuse('UNSETTLED') end
if fence < held then return refuse('FENCED ' .. int(held)) end

local rows, stages, staged = {}, {}, {}
for n = 1, kinds do
  local kind = ARGV[5 + n]
  rows[kind], stages[kind] = KEYS[5 + n], KEYS[5 + kinds + n]
  -- A new holder starts over: what its predecessor staged may be older than what it knows.
  if fence > held then redis.call('UNLINK', stages[kind]) end
  staged[kind] = redis.call('EXISTS', stages[kind]) == 1
end
if fence > held then redis.call('HSET', source, 'fence', int(fence)) end

local function log(form, kind, id, prior, post)
  head = head + 1
  append(int(head), at, form, name, kind, id, prior, post, generation, trace)
end

local function put(kind, id, object)
  local prior = redis.call('HGET', rows[kind], id)
  if prior == object then return end
  redis.call('HSET', rows[kind], id, object)
  log('changed', kind, id, prior or '', object)
end

local function delete(kind, id)
  local prior = redis.call('HGET', rows[kind], id)
  if not prior then return end
  redis.call('HDEL', rows[kind], id)
  log('changed', kind, id, prior, '')
end

-- Whether an id comes before another one, by its bytes; the order of `<` hangs on the server's locale.
local function before(a, b)
  for n = 1, math.min(#a, #b) do
    local x, y = string.byte(a, n), string.byte(b, n)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Reads a stage: what is to be put, by id, and which ids have a row but were not named.
local function difference(kind)
  local objects, missing, named = {}, {}, {}
  local stage = redis.call('HGETALL', stages[kind])
  for n = 1, #stage, 2 do
    named[stage[n]] = true
    if stage[n] ~= '' and stage[n + 1] ~= '' then objects[stage[n]] = stage[n + 1] end
  end
  for _, id in ipairs(redis.call('HKEYS', rows[kind])) do
    if not named[id] then missing[#missing + 1] = id end
  end
  return objects, missing
end

-- Logs the difference between the rows of a kind and its complete list, ordered by id.
local function reconcile(kind)
  local objects, ids = difference(kind)
  for id in pairs(objects) do ids[#ids + 1] = id end
  table.sort(ids, before)
  for _, id in ipairs(ids) do
    if objects[id] then put(kind, id, objects[id]) else delete(kind, id) end
  end
  redis.call('UNLINK', stages[kind])
end

-- Takes over the first complete list of a kind: one entry, and nobody is notified.
local function baseline(kind)
  if redis.call('EXISTS', rows[kind]) == 0 then
    redis.call('RENAME', stages[kind], rows[kind])
    redis.call('HDEL', rows[kind], '')
  else
    local objects, missing = difference(kind)
    for _, id in ipairs(missing) do redis.call('HDEL', rows[kind], id) end
    for id, object in pairs(objects) do redis.call('HSET', rows[kind], id, object) end
    redis.call('UNLINK', stages[kind])
  end
  redis.call('HSET', source, kind, at)
  log('baseline', kind, '', '', '')
end

local apply = {}

function apply.reset(kind)
  redis.call('UNLINK', stages[kind])
  redis.call('HSET', stages[kind], '', '')
  staged[kind] = true
end

function apply.upsert(kind, id, object)
  if not staged[kind] then return put(kind, id, object) end
  if redis.call('HGET', rows[kind], id) == object then object = '' end
  redis.call('HSET', stages[kind], id, object)
end

function apply.delete(kind, id)
  if staged[kind] then redis.call('HDEL', stages[kind], id) else delete(kind, id) end
end

function apply.synced(kind)
  confirmed = true
  if not staged[kind] then return end
  staged[kind] = false
  if redis.call('HEXISTS', source, kind) == 1 then reconcile(kind) else baseline(kind) end
end

function apply.heartbeat() confirmed = true end

-- Not a change: the trace that the changes behind it belong to.
function apply.trace(_, _, context) trace = context end

for n = 6 + kinds, #ARGV, 4 do apply[ARGV[n]](ARGV[n + 1], ARGV[n + 2], ARGV[n + 3]) end

redis.call('HSET', source, 'call', call)
if head > start then
  redis.call('SET', KEYS[2], int(head))
  redis.call('PUBLISH', 'netweave:log', int(head))
end
if confirmed then
  redis.call('HSET', source, 'seen_at', at)
  redis.call('HSET', seen, name, at)
end
return {generation, int(head)}
