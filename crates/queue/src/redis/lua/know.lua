-- A new connection. Leases that the node does not know of never reached it, and go back; those that it has and we do not
-- were lost here, with the Redis that knew of them: what is sent under them may go out again, marked.
-- ARGV: number of the connection, id and version of each lease it has.
-- Answers those that were lost, and the newest sign of life that is known of.
redis.call('HSET', P .. 'links', ME, ARGV[3])
local has, unknown = {}, {}
for at = 4, #ARGV, 2 do
    local id, v = ARGV[at], ARGV[at + 1]
    has[id] = v
    if redis.call('HGET', P .. 'n:' .. ME, id) ~= v then
        unknown[#unknown + 1] = id
        local f = redis.call('HMGET', job(id), 'v', 's')
        -- With a higher version it ended as it should.
        if f[1] and f[2] ~= 'f' and tonumber(f[1]) <= tonumber(v) then redis.call('HSET', job(id), 'dt', '1') end
    end
end
local held = redis.call('HGETALL', P .. 'n:' .. ME)
for i = 1, #held, 2 do
    -- What was not heard of for longer than a lease may be what the node could not tell us for all its patience.
    if has[held[i]] ~= held[i + 1] then give(held[i], held[i + 1], ME, not lives(ME)) end
end
return out({ unknown, redis.call('HGET', P .. 'beats', ME) or '' })
