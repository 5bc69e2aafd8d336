-- A relay is held for all nodes, or no more. ARGV: relay, microseconds ('' no more), kind, failures, cause.
local relay = ARGV[3]
redis.call('DEL', P .. 'probe:' .. relay)
if ARGV[4] == '' then
    redis.call('HDEL', P .. 'holds', relay)
else
    redis.call('HSET', P .. 'holds', relay,
        text(now + tonumber(ARGV[4])) .. ' ' .. ARGV[5] .. ' ' .. ARGV[6] .. ' ' .. ARGV[7])
end
redis.call('PUBLISH', P .. 'changes', 'hold - ' .. ME)
return out(1)
