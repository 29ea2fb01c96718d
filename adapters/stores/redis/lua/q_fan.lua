-- The fan-out cursor: a sequence number of the log, whose numbers go on from generation to generation.
local function cursor() return redis.call('GET', 'fan:cursor') or '0' end
