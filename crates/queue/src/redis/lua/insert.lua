-- Stores, of each call, all jobs or none. A job that is there already came with an earlier try of the same call.
-- ARGV: LENGTH, most octets; then of each call how many jobs, until when it waits for an answer ('' for ever), and 14 of
-- each job.
local length, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local EACH = 14

local function look(name)
    local value = redis.call('GET', P .. 'i:' .. name)
    if not value then return nil end
    local till, id, print = string.match(value, '^(%S+) (%S+) (%S+)$')
    if (tonumber(till) or 0) <= now then return nil end
    return { id = id, print = print }
end

-- While the same call may come again its jobs are known (`ku`), should they be done by then.
local function store(at, asked)
    local id, priority, ro, g = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local due, ends, size = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
    local base, index, print, till = ARGV[at + 10], ARGV[at + 11], ARGV[at + 12], ARGV[at + 13]
    if due == '0' then due = text(now) end
    local waits = tonumber(due) > now
    local q, st = lane(priority, ro, ''), waits and '0' or QUEUED
    redis.call('HSET', job(id), 'v', 1, 's', waits and 'w' or 'r', 'st', st, 'q', q, 'g', g, 'n', '', 'du', due,
        'ex', ends, 'dt', '0', 'sz', size, 'ro', ro, 'on', '', 'pr', priority, 'ku', base ~= '' and till or asked,
        'h', ARGV[at + 7], 'p', '', 'x', ARGV[at + 8], 'b', ARGV[at + 9])
    mortal(id, ends)
    redis.call('ZADD', P .. 'live', 0, id)
    redis.call('ZADD', P .. 'all', 0, id)
    redis.call('INCRBY', P .. 'bytes', size)
    route('r', ro, 1)
    count(st, 1)
    if base ~= '' then
        local life = math.max(math.ceil((tonumber(till) - now) / 1000), 1)
        redis.call('SET', P .. 'i:' .. base .. index, till .. ' ' .. id .. ' ' .. print, 'PX', text(life))
    end
    if waits then redis.call('ZADD', P .. 'wait', due, id) else push(q, g, id) end
    tell(id, st)
end

local function take(first, last, asked)
    local answers, fresh, twins, octets = {}, {}, {}, 0
    for at = first, last, EACH do
        local id, base, index, print = ARGV[at], ARGV[at + 10], ARGV[at + 11], ARGV[at + 12]
        local known
        if redis.call('EXISTS', job(id)) == 1 then
            known = { id = id, new = true }
            say(id, redis.call('HGET', job(id), 'st'))
        elseif base ~= '' then
            known = twins[base .. index] or look(base .. index)
            -- A longer batch than the one that was taken under this key is another submission.
            local earlier = not known and look(base .. '0')
            if earlier then return { 'reused', earlier.id } end
            if known and known.print ~= print then return { 'reused', known.id } end
        end
        if known then
            answers[#answers + 1] = (known.new and 'n' or 'r') .. known.id
        else
            answers[#answers + 1] = 'n' .. id
            fresh[#fresh + 1] = at
            octets = octets + tonumber(ARGV[at + 6])
            if base ~= '' then twins[base .. index] = { id = id, print = print } end
        end
    end
    if #fresh > 0 then
        if redis.call('ZCARD', P .. 'live') + #fresh > length then return { 'crowded' } end
        if tonumber(redis.call('GET', P .. 'bytes') or '0') + octets > most then return { 'full' } end
    end
    for _, at in ipairs(fresh) do store(at, asked) end
    return answers
end

local calls, at = {}, 5
while at <= #ARGV do
    local jobs, till = tonumber(ARGV[at]), ARGV[at + 1]
    -- Who was told that its mail is not taken comes again with it.
    if till ~= '' and now > tonumber(till) then
        calls[#calls + 1] = { 'late' }
    else
        calls[#calls + 1] = take(at + 2, at + 1 + jobs * EACH, till ~= '' and till or '0')
    end
    at = at + 2 + jobs * EACH
end
return out(calls)
