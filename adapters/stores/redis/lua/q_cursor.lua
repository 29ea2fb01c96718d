-- Returns how far events were fanned out: generation and sequence; or nothing while pods still say what they know after a
-- switch, as an event would pass by a subscription that is not back yet. KEYS: those of the log. ARGV: time.
if not settled(now()) then return false end
return {(position()), cursor()}
