-- Returns those after an id, ordered by it. ARGV: time, the set that names them, where to begin, how many.
local at, from, limit, page = now(), ARGV[3], tonumber(ARGV[4]), {}
while #page < limit do
  local ids = redis.call('ZRANGEBYLEX', ARGV[2], from, '+', 'LIMIT', 0, int(limit - #page))
  if #ids == 0 then break end
  for _, id in ipairs(ids) do
    page[#page + 1] = is_live(id, at) and row(id) or nil
  end
  from = '(' .. ids[#ids]
end
return page
