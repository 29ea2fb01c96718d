-- Returns the position of the last entry.
local generation, head = position()
return {generation, int(head)}
