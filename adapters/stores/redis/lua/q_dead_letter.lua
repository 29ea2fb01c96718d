-- Moves the head to the dead letters; returns 1 if it was there. ARGV: time, those of `at_head`, reason.
local at = int(now())
return at_head(at, 2, function(id, head, follows)
  head.attempts = int(head.attempts + 1)
  bury(id, head, ARGV[7], at)
  redis.call('HINCRBY', 'qmeta:' .. id, 'failures', 1)
  if not follows then unplace(id) end
end)
