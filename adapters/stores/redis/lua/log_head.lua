-- Returns the position of the last entry, and starts the log if there is none.
local generation, head = position()
return {generation, int(head)}
