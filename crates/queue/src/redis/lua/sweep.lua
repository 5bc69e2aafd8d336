-- What time brings. ARGV: done jobs to remember, and for how many microseconds.
-- Answers when to come again, whether there is more already, and which jobs' lives have ended.
local most, keep = tonumber(ARGV[3]), tonumber(ARGV[4])
local more = promote(500) == 500

-- A node that gave no sign of life: what it had is in doubt. All of it at once, for it may be only late.
for _, node in ipairs(redis.call('ZRANGEBYSCORE', P .. 'nodes', '-inf', text(now), 'LIMIT', 0, 1)) do
    local had = redis.call('HGETALL', P .. 'n:' .. node)
    for i = 1, #had, 2 do give(had[i], had[i + 1], node, true) end
    redis.call('DEL', P .. 'n:' .. node)
    bury(node)
    more = true
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'rest', '-inf', '(' .. text(now), 'LIMIT', 0, 500)) do
    drop_bytes(id)
    more = true
end

-- Done jobs that are too many or too old.
if trim(most, 500) == 500 then more = true end
if outlived(redis.call('ZRANGEBYSCORE', P .. 'done', '-inf', '(' .. text(now - keep), 'LIMIT', 0, 500)) then
    more = true
end

local past = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'open', '-inf', text(now), 'LIMIT', 0, 500)) do
    if redis.call('EXISTS', job(id)) == 1 then past[#past + 1] = id else lost(id) end
end
return out({ soonest(), more and 1 or 0, past })
