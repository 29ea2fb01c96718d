-- Returns one, or nothing. ARGV: time, id.
return is_live(ARGV[2], now()) and row(ARGV[2])
