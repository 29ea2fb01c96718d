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

local parted, kept = redis.call('EXISTS', 'fan:part') == 1, {}

-- Whether a part that was made before has queued it.
local function is_queued(id, sequence)
  local last = parted and redis.call('HGET', 'fan:part', id)
  return last and tonumber(last) >= tonumber(sequence)
end

local function queue(id, event)
  kept[event] = kept[event] or keep(ARGV[10 + 2 * event])
  hold(kept[event])
  local sequence = next_sequence(id)
  push(id, new(sequence, sequence, at, kept[event]))
  local length = redis.call('LLEN', 'q:' .. id)
  if length > longest then overflow(id, length) end
  place_new(id)
end

for n = items, #ARGV, 2 do
  local id, event = ARGV[n], tonumber(ARGV[n + 1])
  local sequence = ARGV[9 + 2 * event]
  if is_live(id, tonumber(at)) and not is_queued(id, sequence) then
    queue(id, event)
    if more then redis.call('HSET', 'fan:part', id, sequence) end
  end
end
if #ARGV >= items then redis.call('PUBLISH', 'netweave:work', '') end
if more then return 'PART' end
redis.call('MSET', 'fan:cursor', ARGV[5], 'fan:call', call)
if parted then redis.call('UNLINK', 'fan:part') end
return 'DONE'
