-- Writing for many queues with one command, as each command costs, and each write is a line of the append-only file, too.
local MOST = 1000 -- Values of one command; even, as some come in pairs. Lua takes no more than some thousands.

-- Calls a command that takes any number of values, if there are any.
local function with_all(command, key, values)
  for n = 1, #values, MOST do
    redis.call(command, key, unpack(values, n, math.min(n + MOST - 1, #values)))
  end
end

-- Takes so many numbers of a counter, and returns the one before the first of them.
local function numbers_after(key, count) return redis.call('INCRBY', key, count) - count end
