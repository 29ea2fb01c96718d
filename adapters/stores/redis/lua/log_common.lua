-- What the log's scripts share. KEYS begin with: generation, head, log.

-- Where the log ends.
local function position() return GENERATION, tonumber(redis.call('GET', KEYS[2])) end
