-- A node says that it lives. ARGV: for how many microseconds to believe it, what it says of itself.
-- Answers Redis's time, whether it was believed dead in between, and when something is to be done.
local at = clock()
local known = redis.call('ZSCORE', P .. 'nodes', ME)
redis.call('ZADD', P .. 'nodes', text(at + tonumber(ARGV[3])), ME)
redis.call('HSET', P .. 'about', ME, ARGV[4])
return out({ text(at), known and 1 or 0, soonest() })
