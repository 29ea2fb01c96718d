-- Queues notices for one subscription and returns the items.
-- ARGV: time, subscription, longest queue, call, then of each notice: `body`, `resync` or `test`, and what belongs to it.
local at, id, call, made = now(), ARGV[2], ARGV[4], {}
local count = (#ARGV - 4) / 2

local first, queued_at = string.match(answered(id, call) or '', '^(%d+) (%d+)$')
if first then -- The same call came twice. What the items tell is known to the caller.
  for n = 0, count - 1 do
    local sequence = int(first + n)
    made[#made + 1] = write(new(sequence, sequence, queued_at, 'test'))
  end
  return made
end
if not is_live(id, at) then return refuse('UNKNOWN') end
if redis.call('LLEN', 'q:' .. id) + count > tonumber(ARGV[3]) then return refuse('FULL') end

for n = 5, #ARGV, 2 do
  local told = ARGV[n]
  if told == 'body' then
    told = keep(ARGV[n + 1])
    hold(told, 1)
  elseif told == 'resync' then
    told = 'resync ' .. ARGV[n + 1]
  end
  local sequence = next_sequence(id)
  first = first or sequence
  local item = new(sequence, sequence, int(at), told)
  push(id, item)
  made[#made + 1] = write(item)
end
if first then answer(id, call, first .. ' ' .. int(at)) end
place_new(id)
return made
