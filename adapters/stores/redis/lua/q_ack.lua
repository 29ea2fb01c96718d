-- Removes heads that were delivered, and ends the claims of queues that are empty then; returns of each 2 if its queue is, 1
-- if the head was there, 0 if not, or -1 if its keys are not ours and it stands among others, which it must not hold up.
-- ARGV: time, then of each those of `at_head`.
local OF_ONE = 5 -- Arguments.
local at, alone, outcomes = int(now()), #ARGV == 1 + OF_ONE, {}
local slots, claims, told = {}, {}, {}

-- Ends the claim of a queue in which nothing is left; what finds it is taken away with that of the others.
local function empty(id, pod, slot)
  redis.call('HDEL', 'qmeta:' .. id, 'claim', 'pod', 'slot', 'failures')
  if slot then slots[#slots + 1] = slot end
  if pod then
    claims[pod] = claims[pod] or {}
    table.insert(claims[pod], id)
  end
end

-- Tells whether the server takes no writes at all; then nothing was done for the others either.
local function refuses(why)
  for _, code in ipairs({'READONLY', 'OOM', 'NOREPLICAS', 'MISCONF'}) do
    if string.find(why, code, 1, true) then return true end
  end
end

local function acknowledge(n)
  local emptied = 0
  local removed = at_head(at, n, function(id, head, follows, pod, slot, failures)
    told[head.told] = (told[head.told] or 0) + 1
    if not follows then
      emptied = 1
      empty(id, pod, slot)
    elseif failures then
      redis.call('HDEL', 'qmeta:' .. id, 'failures')
    end
  end, true)
  return removed + emptied
end

for n = 2, #ARGV, OF_ONE do
  if alone then
    outcomes[1] = acknowledge(n)
  else
    local done, outcome = pcall(acknowledge, n)
    if not done then
      local why = type(outcome) == 'table' and outcome.err or tostring(outcome)
      if refuses(why) then return redis.error_reply(why) end
      outcome = -1
    end
    outcomes[#outcomes + 1] = outcome
  end
end
with_all('ZREM', 'ready', slots)
for pod, ids in pairs(claims) do with_all('HDEL', 'claimed:' .. pod, ids) end
for body, count in pairs(told) do drop(body, count) end
return outcomes
