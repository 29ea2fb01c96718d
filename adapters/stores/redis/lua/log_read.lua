-- Returns the entries after a position, and when each source was seen if those are the last entries there are.
-- KEYS: .., seen. ARGV: time, generation, sequence, limit.
local generation, head = position()
local from, limit = tonumber(ARGV[3]), tonumber(ARGV[4])
if ARGV[2] ~= generation or from > head then return refuse('GONE ' .. generation .. '-' .. int(head)) end

local entries = {}
if from < head then
  local first = int(from + 1) .. '-0'
  entries = redis.call('XRANGE', KEYS[3], first, '+', 'COUNT', int(math.max(1, limit)))
  if not entries[1] or entries[1][1] ~= first then return refuse('GONE ' .. first) end
  if limit == 0 then entries = {} end
end

local seen = {}
if from + #entries == head then seen = redis.call('HGETALL', KEYS[4]) end
return {entries, seen}
