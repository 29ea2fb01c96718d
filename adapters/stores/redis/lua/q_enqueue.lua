-- Queues notices for one subscription and returns the items.
-- ARGV: time, subscription, longest queue, then of each notice: `body`, `resync` or `test`, and what belongs to it.
local at, id, made = now(), ARGV[2], {}
if not is_live(id, at) then return refuse('UNKNOWN') end
local length = redis.call('LLEN', 'q:' .. id) + (#ARGV - 3) / 2
if length > tonumber(ARGV[3]) then return refuse('FULL') end

for n = 4, #ARGV, 2 do
  local told = ARGV[n]
  if told == 'body' then
    told = keep(ARGV[n + 1])
    hold(told)
  elseif told == 'resync' then
    told = 'resync ' .. ARGV[n + 1]
  end
  local sequence = next_sequence(id)
  local item = new(sequence, sequence, int(at), told)
  push(id, item)
  made[#made + 1] = write(item)
end
place_new(id)
return made
