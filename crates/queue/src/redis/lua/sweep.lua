-- What time brings. ARGV: done jobs to remember, and for how many microseconds.
-- Answers when to come again, whether there is more already, and which jobs' lives have ended.
local most, keep = tonumber(ARGV[3]), tonumber(ARGV[4])
local more = promote(500) == 500

-- Nodes that gave no sign of life: what they had is in doubt.
for _, node in ipairs(redis.call('ZRANGEBYSCORE', P .. 'nodes', '-inf', text(clock()), 'LIMIT', 0, 1)) do
    local had = redis.call('HGETALL', P .. 'n:' .. node)
    for i = 1, math.min(#had, 1000), 2 do
        if give(had[i], had[i + 1], node, true) == 0 then redis.call('HDEL', P .. 'n:' .. node, had[i]) end
    end
    if redis.call('EXISTS', P .. 'n:' .. node) == 0 then
        redis.call('ZREM', P .. 'nodes', node)
        redis.call('HDEL', P .. 'about', node)
    end
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
    local s = redis.call('HGET', job(id), 's')
    if not s then redis.call('ZREM', P .. 'open', id) elseif s ~= 'l' then past[#past + 1] = id end
end
return out({ soonest(), more and 1 or 0, past })
