-- Counts; the nodes and what each has.
local nodes, alive = {}, redis.call('ZRANGE', P .. 'nodes', 0, -1, 'WITHSCORES')
for i = 1, #alive, 2 do
    nodes[#nodes + 1] = { alive[i], text(tonumber(alive[i + 1]) - now),
        redis.call('HLEN', P .. 'n:' .. alive[i]), redis.call('HGET', P .. 'about', alive[i]) or '' }
end
local first = redis.call('ZRANGEBYLEX', P .. 'live', '-', '+', 'LIMIT', 0, 1)
return out({ redis.call('HGETALL', P .. 'counts'), redis.call('ZCARD', P .. 'live'), first[1] or '',
    redis.call('GET', P .. 'bytes') or '0', redis.call('HGETALL', P .. 'routes'), nodes })
