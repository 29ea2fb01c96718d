-- Removes the head, which was delivered; returns 1 if it was there. ARGV: those of `at_head`.
return at_head(int(now()), function(id)
  drop(pop(id).told)
  redis.call('HDEL', 'qmeta:' .. id, 'failures')
  unplace_empty(id)
end)
