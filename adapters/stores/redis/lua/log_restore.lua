-- Puts back entries that another server had and this one lacks, and what they did to the rows; returns how many.
-- They fit only what the generation before wrote, and only until this one writes.
-- KEYS: .. ARGV: time, generation of the log that they are of, then of each entry: sequence, time, form, source, kind, id,
-- prior, post, generation in which it was written.
if redis.call('GET', 'sys:before') ~= ARGV[2] then return 0 end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if last and last[2][#last[2]] == GENERATION then return 0 end

-- Does to its row what a change did.
local function apply(source, kind, id, post)
  local rows = 'row:' .. source .. ':' .. kind
  if post == '' then redis.call('HDEL', rows, id) else redis.call('HSET', rows, id, post) end
end

local _, head = position()
local start = head
for n = 3, #ARGV, 9 do
  local sequence, _, form, source, kind, id, _, post = unpack(ARGV, n, n + 7)
  if tonumber(sequence) == head + 1 then
    head = head + 1
    append(unpack(ARGV, n, n + 8))
    if form == 'changed' then apply(source, kind, id, post) end
  end
end
redis.call('SET', KEYS[2], int(head))
return head - start
