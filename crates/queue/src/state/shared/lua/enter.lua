-- A node comes. ARGV: a name for this state should it have none yet, the name and version that the node knows, the
-- secret it has. A version older than the one it knows was restored from a copy: it must not pass for a known one.
redis.call('HSETNX', P .. 'state', 'id', ARGV[1])
redis.call('HSETNX', P .. 'secrets', 'nobody', ARGV[4])
local v = tonumber(redis.call('HGET', P .. 'state', 'v') or '0')
if redis.call('HGET', P .. 'state', 'id') == ARGV[2] and v < tonumber(ARGV[3]) then
    redis.call('HSET', P .. 'state', 'v', ARGV[3])
    moved()
end
return 1
