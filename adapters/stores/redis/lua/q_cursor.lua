-- Returns how far events were fanned out: generation and sequence. KEYS: those of the log. ARGV: time.
return {(position()), cursor()}
