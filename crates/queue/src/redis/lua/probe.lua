-- One node tries whether a held relay is well again. ARGV: relay, milliseconds for which nobody else does ('' it ends).
-- Whether the node may.
local key = P .. 'probe:' .. ARGV[3]
if ARGV[4] == '' then
    if redis.call('GET', key) == ME then redis.call('DEL', key) end
    return out(0)
end
redis.call('SET', key, ME, 'NX', 'PX', ARGV[4])
return out(redis.call('GET', key) == ME and 1 or 0)
