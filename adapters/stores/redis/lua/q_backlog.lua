-- Returns the delivery state of one subscription: length, when the oldest item was queued, when the head is tried next,
-- failures, dead letters, discarded ones, last sequence number, latest attempts. ARGV: time, subscription.
local at, id = now(), ARGV[2]
if not is_live(id, at) then return refuse('UNKNOWN') end
local meta = redis.call('HMGET', 'qmeta:' .. id, 'claim', 'due', 'failures', 'discarded', 'last_sequence')

-- Items wait in the order in which they were queued, but for a notice at the head, which is younger than the next.
local oldest = ''
for _, text in ipairs(redis.call('LRANGE', 'q:' .. id, 0, 1)) do
  local queued_at = read(text).queued_at
  if oldest == '' or tonumber(queued_at) < tonumber(oldest) then oldest = queued_at end
end
local waits = oldest ~= '' and not meta[1] and meta[2] and tonumber(meta[2]) > at

return {
  redis.call('LLEN', 'q:' .. id), oldest, waits and meta[2] or '', meta[3] or '0', redis.call('ZCARD', 'qdead:' .. id),
  meta[4] or '0', meta[5] or '0', redis.call('LRANGE', 'qatt:' .. id, 0, -1)
}
