-- Returns dead letters, newest first, and then the bodies. ARGV: time, the set that names them, how many.
local letters = {}
for _, number in ipairs(redis.call('ZREVRANGEBYSCORE', ARGV[2], '+inf', '-inf', 'LIMIT', 0, ARGV[3])) do
  local text = redis.call('GET', 'dead:' .. number)
  if text and collect(text) then letters[#letters + 1] = text end
end
return {letters, bodies}
