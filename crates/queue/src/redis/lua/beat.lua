-- A node says that it lives. ARGV: for how many microseconds to believe it, what it says of itself, number of this sign
-- and of the newest connection.
-- Answers Redis's time, whether it was believed to live until now, when something is to be done, how many are ready, and
-- how many it has.
local known = redis.call('ZSCORE', P .. 'nodes', ME)
if not known then
    -- It does not count on these any more.
    local had = redis.call('HGETALL', P .. 'n:' .. ME)
    for i = 1, #had, 2 do give(had[i], had[i + 1], ME, true) end
    redis.call('DEL', P .. 'n:' .. ME)
    redis.call('HSETNX', P .. 'links', ME, ARGV[6])
end
-- A given time is that of the first try, and a later sign may have come before this one.
if ARGV[1] == '0' then
    redis.call('ZADD', P .. 'nodes', text(now + tonumber(ARGV[3])), ME)
else
    redis.call('ZADD', P .. 'nodes', 'GT', text(now + tonumber(ARGV[3])), ME)
end
redis.call('HSET', P .. 'about', ME, ARGV[4])
-- One that was asked again may come after a later one.
if tonumber(redis.call('HGET', P .. 'beats', ME) or '0') < tonumber(ARGV[5]) then
    redis.call('HSET', P .. 'beats', ME, ARGV[5])
end
-- Who listens hears that the line is there.
redis.call('PUBLISH', P .. 'changes', 'beat ' .. ME)
return out({ text(now), known and 1 or 0, soonest(), redis.call('HGET', P .. 'counts', QUEUED) or '0',
    redis.call('HLEN', P .. 'n:' .. ME) })
