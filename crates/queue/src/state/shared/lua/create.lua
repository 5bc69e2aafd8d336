-- A key. ARGV: id, name, row, since when it is revoked ('' not). Whether it was made; not when another that counts
-- has the name.
if redis.call('HEXISTS', P .. 'keys', ARGV[1]) == 1 then return 1 end
if ARGV[4] ~= '' then
    redis.call('HSETNX', P .. 'revoked', ARGV[1], ARGV[4])
elseif redis.call('HSETNX', P .. 'names', ARGV[2], ARGV[1]) == 0 then
    return 0
end
redis.call('HSET', P .. 'keys', ARGV[1], ARGV[3])
moved()
return 1
