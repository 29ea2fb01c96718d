-- Queues dead letters again; returns how many, and how many of those asked for are still dead.
-- ARGV: time, subscription, first sequence number, longest queue, how many at most, call.
local at, id, from = now(), ARGV[2], tonumber(ARGV[3])
local again, left = string.match(answered(id, ARGV[6]) or '', '^(%d+) (%d+)$')
if again then return {again, left} end -- The same call came twice.
if not is_live(id, at) then return refuse('UNKNOWN') end

local dead = {}
for order, number in ipairs(redis.call('ZRANGE', 'qdead:' .. id, 0, -1)) do
  local text = redis.call('GET', 'dead:' .. number)
  local sequence = text and tonumber(read(text).sequence)
  if sequence and sequence >= from then dead[#dead + 1] = {sequence, order, number} end
end
table.sort(dead, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)

local room = math.max(0, tonumber(ARGV[4]) - redis.call('LLEN', 'q:' .. id))
local queued = math.min(#dead, room, tonumber(ARGV[5]))
for n = 1, queued do
  local number = dead[n][3]
  redis.call('ZREM', 'qdead:' .. id, number)
  local item = unearth(number)
  item.sequence, item.queued_at, item.attempts = next_sequence(id), int(at), '0'
  push(id, item)
end
if queued > 0 then
  place_new(id)
  answer(id, ARGV[6], int(queued) .. ' ' .. int(#dead - queued))
end
return {queued, #dead - queued}
