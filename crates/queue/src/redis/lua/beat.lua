-- A node says that it lives. ARGV: for how many microseconds to believe it, what it says of itself.
-- Answers Redis's time, whether it was believed dead in between, when something is to be done, how many wait, and how
-- many it has.
local at = clock()
local known = redis.call('ZSCORE', P .. 'nodes', ME)
if not known then
    -- It does not count on these any more.
    local had = redis.call('HGETALL', P .. 'n:' .. ME)
    for i = 1, #had, 2 do give(had[i], had[i + 1], ME, true) end
    redis.call('DEL', P .. 'n:' .. ME)
end
redis.call('ZADD', P .. 'nodes', text(at + tonumber(ARGV[3])), ME)
redis.call('HSET', P .. 'about', ME, ARGV[4])
-- Who listens hears that the line is there.
redis.call('PUBLISH', P .. 'changes', 'beat ' .. ME)
return out({ text(at), known and 1 or 0, soonest(), redis.call('HGET', P .. 'counts', QUEUED) or '0',
    redis.call('HLEN', P .. 'n:' .. ME) })
