-- Moves jobs to what was reckoned for them, each if it still stands as it stood then: under the same lease, or
-- with the same version. One that was moved so already by the same call counts as moved.
-- ARGV: done jobs to remember, then 16 of each job.
local EACH, FIRST = 16, 4
local said = {}
for at = FIRST, #ARGV, EACH do
    local id, v, call, state, st = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    local due, ends, doubt, on, p = ARGV[at + 5], ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9]
    local attempt, settled, rest = ARGV[at + 10], ARGV[at + 11], ARGV[at + 12]
    local leased, purge, trouble = ARGV[at + 13] == '1', ARGV[at + 14] == '1', ARGV[at + 15] == '1'
    local f = redis.call('HMGET', job(id), 'v', 's', 'n', 'c', 'st', 'ro', 'on', 'pr', 'g', 'why')
    local stands = f[1] == v and (f[2] == 'l') == leased and (not leased or f[3] == ME)
    if not stands then
        local again = f[1] and f[4] == call
        if again then say(id, f[5]) end
        if not f[1] then lost(id) end
        said[#said + 1] = (not f[1] and 'gone') or (again and 'done') or 'stale'
    else
        leave(id, f[2], f[3])
        if purge then
            forget(id)
        else
            local q = lane(f[8], f[6], on)
            if f[7] ~= on then
                route('o', f[7], -1)
                route('o', on, 1)
            end
            redis.call('HINCRBY', job(id), 'v', 1)
            redis.call('HSET', job(id), 's', state, 'st', st, 'q', q, 'n', '', 'du', due, 'ex', ends, 'dt', doubt,
                'on', on, 'p', p, 'c', call)
            if f[10] then redis.call('HDEL', job(id), 'why') end
            if attempt ~= '' then redis.call('RPUSH', P .. 'a:' .. id, attempt) end
            count(f[5], -1)
            count(st, 1)
            local was, is = f[2] == 'f', state == 'f'
            if is and not was then
                redis.call('ZREM', P .. 'open', id)
                redis.call('ZREM', P .. 'live', id)
                route('r', f[6], -1)
                route('o', on, -1)
                redis.call('ZADD', P .. 'done', settled, id)
                if rest == '' then drop_bytes(id) else redis.call('ZADD', P .. 'rest', rest, id) end
            elseif was and not is then
                redis.call('ZADD', P .. 'live', 0, id)
                route('r', f[6], 1)
                route('o', on, 1)
                redis.call('ZREM', P .. 'done', id)
                redis.call('ZREM', P .. 'rest', id)
            end
            if not is then mortal(id, ends) end
            if state == 'w' then
                redis.call('ZADD', P .. 'wait', due, id)
                if trouble then redis.call('ZADD', P .. 'trouble', due, id) end
            end
            if state == 'r' then push(q, f[9], id) end
            tell(id, st)
        end
        said[#said + 1] = 'done'
    end
end
trim(tonumber(ARGV[3]), 100)
return out(said)
