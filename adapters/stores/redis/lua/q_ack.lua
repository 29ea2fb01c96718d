-- Removes the head, which was delivered, and ends the claim of a queue that is empty then; returns 2 if it is, 1 if the head
-- was there, else 0. ARGV: those of `at_head`.
local emptied = 0
local removed = at_head(int(now()), function(id)
  drop(pop(id).told)
  redis.call('HDEL', 'qmeta:' .. id, 'failures')
  if redis.call('EXISTS', 'q:' .. id) == 0 then
    emptied = 1
    unplace(id)
    unclaim(id)
  end
end)
return removed + emptied
