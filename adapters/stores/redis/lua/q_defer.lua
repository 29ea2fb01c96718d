-- Lets a claim go and puts the head back to be tried again; returns 1 if it was there.
-- ARGV: time, those of `at_head`, pause before it is tried again.
local at = now()
return at_head(int(at), 2, function(id, head)
  head.attempts = int(head.attempts + 1)
  redis.call('LPUSH', 'q:' .. id, write(head))
  redis.call('HINCRBY', 'qmeta:' .. id, 'failures', 1)
  let_go(id, int(at + tonumber(ARGV[7])))
end)
