-- Queues events and moves the cursor; returns what came of it.
-- KEYS: those of the log. ARGV: time, generation and sequence where the cursor must be, the same of where it goes,
-- version of the subscriptions, longest queue, call, number of events, the events, then of each item: subscription,
-- number of its event.
local at = int(now())
local longest, call, count = tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])
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

local kept = {}
for n = 10 + count, #ARGV, 2 do
  local id, event = ARGV[n], ARGV[n + 1]
  if is_live(id, tonumber(at)) then
    kept[event] = kept[event] or keep(ARGV[9 + tonumber(event)])
    hold(kept[event])
    local sequence = next_sequence(id)
    push(id, new(sequence, sequence, at, kept[event]))
    local length = redis.call('LLEN', 'q:' .. id)
    if length > longest then overflow(id, length) end
    place_new(id)
  end
end
redis.call('MSET', 'fan:cursor', ARGV[5], 'fan:call', call)
if #ARGV > 9 + count then redis.call('PUBLISH', 'netweave:work', '') end
return 'DONE'
