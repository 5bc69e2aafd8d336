-- A key counts no more. ARGV: id, name, time. Since when that is so.
if redis.call('HSETNX', P .. 'revoked', ARGV[1], ARGV[3]) == 1 then
    if redis.call('HGET', P .. 'names', ARGV[2]) == ARGV[1] then redis.call('HDEL', P .. 'names', ARGV[2]) end
    moved()
end
return redis.call('HGET', P .. 'revoked', ARGV[1])
