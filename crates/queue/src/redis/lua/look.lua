-- Jobs as they stand. ARGV: the set to go through ('' for the ids that follow), newest, oldest, how many.
local ids = {}
if ARGV[3] == '' then
    for at = 4, #ARGV do ids[#ids + 1] = ARGV[at] end
else
    ids = redis.call('ZREVRANGEBYLEX', P .. ARGV[3], ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[6])
end
local rows = {}
for _, id in ipairs(ids) do
    local f = redis.call('HMGET', job(id), 'v', 's', 'st', 'du', 'ex', 'dt', 'on', 'h', 'p', 'why', 'g', 'ro', 'sz')
    if f[1] then
        local bytes = redis.call('HEXISTS', job(id), 'x')
        rows[#rows + 1] = { id, f[1], f[3], f[4], f[5], f[6], f[7], f[8], f[9], bytes,
            redis.call('LRANGE', P .. 'a:' .. id, 0, -1), f[10] or '', f[11], f[12], f[13] }
    else
        lost(id)
        rows[#rows + 1] = { id }
    end
end
return out(rows)
