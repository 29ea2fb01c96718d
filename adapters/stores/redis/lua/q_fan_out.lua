-- Queues events, and after the last part of them moves the cursor; returns what came of it.
-- KEYS: those of the log. ARGV: time, generation and sequence where the cursor must be, the same of where it goes,
-- version of the subscriptions, longest queue, call, 1 if another part follows, number of events, of each event: sequence
-- and body, then of each item: subscription, number of its event.
--
-- While there are parts, `fan:part` says of each subscription which event it got last, so that whoever makes this step
-- again, perhaps with other subscriptions, goes on from there. It lasts as long as the cursor stays.
local at = int(now())
local longest, call, more, count = tonumber(ARGV[7]), ARGV[8], ARGV[9] == '1', tonumber(ARGV[10])
local items = 11 + 2 * count
local generation, head = position()

if redis.call('GET', 'fan:call') == call then return 'DONE' end -- The same call came twice.
if ARGV[2] ~= generation or ARGV[3] ~= cursor() then return 'ALREADY' end
local from, to = tonumber(ARGV[3]), tonumber(ARGV[5])
if ARGV[4] ~= generation or to < from or to > head then return refuse('OUTSIDE ' .. generation .. '-' .. int(head)) end
if tonumber(ARGV[6]) < tonumber(redis.call('GET', 'subs:matched') or '0') then return 'STALE' end

-- Puts one notice in place of the older half of a queue. Half of it, so that a consumer that is always too slow is not
-- told of each item by itself, and what was replayed last stays. The notice takes the number of the newest item that it
-- stands for.
local function overflow(id, length)
  local sequence, dropped = '0', 0
  for _ = math.floor(longest / 2) + 1, length do
    local item = pop(id)
    sequence = item.sequence
    local earlier = string.match(item.told, '^resync (%d+)$')
    dropped = dropped + (earlier and tonumber(earlier) or 1)
    if not earlier then bury(id, item, 'overflow', at) end
  end
  local told = 'resync ' .. int(math.min(dropped, 2 ^ 53))
  redis.call('LPUSH', 'q:' .. id, write(new(sequence, sequence, at, told)))
end

local parted = redis.call('EXISTS', 'fan:part') == 1

-- Of each item, in their order: the event that a part made before has queued last for its subscription, or nothing.
local function queued_before()
  local ids = {}
  for n = items, #ARGV, 2 do ids[#ids + 1] = ARGV[n] end
  return parted and #ids > 0 and redis.call('HMGET', 'fan:part', unpack(ids)) or {}
end

-- Finds a queue as it was before this part, and whether its subscription lives and is served.
local function find(id)
  local expires, state = unpack(redis.call('HMGET', 'submeta:' .. id, 'expires', 'state'))
  if not (expires and tonumber(expires) > lease_time(tonumber(at))) then return {} end
  local sequence, claim, due, slot = unpack(redis.call('HMGET', 'qmeta:' .. id, 'last_sequence', 'claim', 'due', 'slot'))
  return {
    id = id, lives = true, served = state == 'active', sequence = tonumber(sequence or '0'), claimed = claim, due = due,
    slot = slot
  }
end

local queues, touched, fresh = {}, {}, {}

-- Finds the queues, and what is to be queued in them: pairs of a queue and the number of an event, in order. Keeps each
-- event that is, and counts on all its references: what overflows may drop some.
local function prepare()
  local wanted, uses, before = {}, {}, queued_before()
  for n = items, #ARGV, 2 do
    local id, event, last = ARGV[n], tonumber(ARGV[n + 1]), before[(n - items) / 2 + 1]
    queues[id] = queues[id] or find(id)
    local is_queued = last and tonumber(last) >= tonumber(ARGV[9 + 2 * event])
    if queues[id].lives and not is_queued then
      wanted[#wanted + 1] = {queues[id], event}
      uses[event] = (uses[event] or 0) + 1
    end
  end
  local kept = {}
  for event = 1, count do
    if uses[event] then
      kept[event] = keep(ARGV[10 + 2 * event])
      hold(kept[event], uses[event])
    end
  end
  return wanted, kept
end

-- Puts an item at the end of a queue. An empty queue becomes due, unless it is claimed.
local function append_to(queue, event, told)
  if not queue.event then touched[#touched + 1] = queue end
  queue.event, queue.sequence = event, queue.sequence + 1
  local sequence = int(queue.sequence)
  local length = redis.call('RPUSH', 'q:' .. queue.id, write(new(sequence, sequence, at, told)))
  if length == 1 and not queue.claimed or not queue.due then queue.due, queue.falls_due = at, true end
  if length > longest then overflow(queue.id, length) end
  if queue.served and not queue.slot and not queue.is_fresh then
    queue.is_fresh = true
    fresh[#fresh + 1] = queue
  end
end

-- Writes down what has become of the queues, and puts those that had no place where they belong.
local function note_queues()
  local turn, placed = #fresh > 0 and numbers_after('ready:turn', #fresh), {}
  for n, queue in ipairs(fresh) do
    queue.slot = slot_of(turn + n, queue.id)
    placed[#placed + 1], placed[#placed + 2] = queue.due, queue.slot
  end
  for _, queue in ipairs(touched) do
    local meta = {'last_sequence', int(queue.sequence)}
    if queue.falls_due then meta[3], meta[4] = 'due', at end
    if queue.is_fresh then meta[#meta + 1], meta[#meta + 2] = 'slot', queue.slot end
    redis.call('HSET', 'qmeta:' .. queue.id, unpack(meta))
  end
  with_all('ZADD', 'ready', placed)
end

-- Notes for the parts that follow what this one has queued.
local function note_part()
  local last = {}
  for _, queue in ipairs(touched) do
    last[#last + 1], last[#last + 2] = queue.id, ARGV[9 + 2 * queue.event]
  end
  with_all('HSET', 'fan:part', last)
end

local wanted, kept = prepare()
for _, one in ipairs(wanted) do append_to(one[1], one[2], kept[one[2]]) end
note_queues()
if #ARGV >= items then redis.call('PUBLISH', 'netweave:work', '') end
if more then
  note_part()
  return 'PART'
end
redis.call('MSET', 'fan:cursor', ARGV[5], 'fan:call', call)
if parted then redis.call('UNLINK', 'fan:part') end
return 'DONE'
