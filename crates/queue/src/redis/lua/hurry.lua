-- A relay is well again: what waits for the trouble of a relay to pass is ready, if it may go there.
-- ARGV: relay, route, how many to look at. Answers how many are ready, and whether that were all.
local relay, named, most = ARGV[3], ARGV[4], tonumber(ARGV[5])
local waiting = redis.call('ZRANGE', P .. 'trouble', 0, most - 1)
local eased = 0
for _, id in ipairs(waiting) do
    local f = redis.call('HMGET', job(id), 's', 'st', 'q', 'g', 'on', 'ro')
    local may = f[5] == relay or f[5] == '' and (f[6] == relay or f[6] == named)
    if not f[1] then lost(id) end
    if f[1] == 'w' and may then
        leave(id, 'w')
        redis.call('HSET', job(id), 'du', text(now))
        ready(id, f[3], f[4], f[2], false)
        eased = eased + 1
    end
end
return out({ eased, #waiting < most and 1 or 0 })
