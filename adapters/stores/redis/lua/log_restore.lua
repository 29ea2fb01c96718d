-- Puts back entries that another server had and this one lacks, and what they did to the rows; returns how many.
-- They fit only what the generation before wrote, and only until this one writes.
-- KEYS: .. ARGV: time, generation of the log that they are of, then of each entry: sequence, generation in which it was
-- written, time, form, source, kind, id, prior, post.
if redis.call('GET', 'sys:before') ~= ARGV[2] then return 0 end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
if last and last[2][16] == GENERATION then return 0 end

local _, head = position()
local start = head
for n = 3, #ARGV, 9 do
  if tonumber(ARGV[n]) == head + 1 then
    head = head + 1
    redis.call('XADD', KEYS[3], int(head) .. '-0', 'at', ARGV[n + 2], 'form', ARGV[n + 3], 'source', ARGV[n + 4],
      'kind', ARGV[n + 5], 'id', ARGV[n + 6], 'prior', ARGV[n + 7], 'post', ARGV[n + 8], 'born', ARGV[n + 1])
    if ARGV[n + 3] == 'changed' then
      local rows = 'row:' .. ARGV[n + 4] .. ':' .. ARGV[n + 5]
      if ARGV[n + 8] == '' then
        redis.call('HDEL', rows, ARGV[n + 6])
      else
        redis.call('HSET', rows, ARGV[n + 6], ARGV[n + 8])
      end
    end
  end
end
redis.call('SET', KEYS[2], int(head))
return head - start
