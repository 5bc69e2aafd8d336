-- Before each script. KEYS[1]: the prefix of all our keys. ARGV[1]: microseconds since 1970 to be taken for
-- now, 0: Redis's own clock. Numbers go out as text: a script's reply would round them.
local P, ME = KEYS[1], ARGV[2]
local form = redis.call('HGET', P .. 'meta', 'form')
if not form then return redis.error_reply('GONE the queue is not in this database any more') end
if form ~= '1' then return redis.error_reply('NEWER the queue has form ' .. form) end
local function text(n) return string.format('%.0f', n) end
local now = tonumber(ARGV[1])
if now == 0 then
    local t = redis.call('TIME')
    now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end

-- Statuses by their place in Status::ALL.
local QUEUED, SENDING, HELD = '1', '2', '4'

local function job(id) return P .. 'j:' .. id end

-- Changes: the others hear of them, the node that asked has them with its answer.
local told = {}
local function say(id, st) told[#told + 1] = id .. ' ' .. st end
local function tell(id, st)
    say(id, st)
    redis.call('PUBLISH', P .. 'changes', id .. ' ' .. st .. ' ' .. ME)
end

-- Jobs whose keys are gone although nobody forgot them: told once, and taken out of every index.
local astray = {}
local function lost(id)
    if redis.call('ZREM', P .. 'all', id) == 1 then astray[#astray + 1] = id end
    for _, set in ipairs({ 'live', 'open', 'wait', 'trouble', 'done', 'rest' }) do redis.call('ZREM', P .. set, id) end
    redis.call('DEL', P .. 'a:' .. id)
end
local function out(answer) return { answer, told, astray } end

-- Whether a node is believed to live.
local function lives(node)
    local till = redis.call('ZSCORE', P .. 'nodes', node)
    return till and tonumber(till) > now
end
local function part(node)
    redis.call('ZREM', P .. 'nodes', node)
    redis.call('HDEL', P .. 'about', node)
    redis.call('HDEL', P .. 'links', node)
end
-- One that may only be silent: should it come back, it must not think that we forgot what we answered.
local function bury(node)
    part(node)
    redis.call('ZADD', P .. 'buried', text(now), node)
    local day = text(now - 24 * 3600 * 1000000)
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', P .. 'buried', '-inf', day, 'LIMIT', 0, 10)) do
        redis.call('ZREM', P .. 'buried', old)
        if not redis.call('ZSCORE', P .. 'nodes', old) then redis.call('HDEL', P .. 'beats', old) end
    end
end

local function count(st, by) redis.call('HINCRBY', P .. 'counts', st, by) end
local function route(kind, name, by)
    if name ~= '' and redis.call('HINCRBY', P .. 'routes', kind .. name, by) <= 0 then
        redis.call('HDEL', P .. 'routes', kind .. name)
    end
end

-- A lane is priority, kind (r: a route, o: one relay only) and name; projects take turns in it.
local function lane(priority, ro, on)
    return on ~= '' and priority .. 'o' .. on or priority .. 'r' .. ro
end
local function push(q, project, id)
    if redis.call('RPUSH', P .. 'q:' .. q .. '\1' .. project, id) == 1 then
        redis.call('RPUSH', P .. 't:' .. q, project)
    end
end
local function pop(q)
    local project = redis.call('LPOP', P .. 't:' .. q)
    if not project then return nil end
    local list = P .. 'q:' .. q .. '\1' .. project
    local id = redis.call('LPOP', list)
    if redis.call('EXISTS', list) == 1 then redis.call('RPUSH', P .. 't:' .. q, project) end
    return id or ''
end

-- Takes a job out of the index of the state it leaves, and puts it into that of the one it enters.
-- s: w waits for its time, r ready, l leased, h held, f done.
local function leave(id, s, node)
    if s == 'w' then
        redis.call('ZREM', P .. 'wait', id)
        redis.call('ZREM', P .. 'trouble', id)
    end
    if s == 'l' then redis.call('HDEL', P .. 'n:' .. node, id) end
end
-- While it is leased its life does not end.
local function mortal(id, ends) redis.call('ZADD', P .. 'open', ends, id) end
local function ready(id, q, project, from, doubt)
    redis.call('HINCRBY', job(id), 'v', 1)
    redis.call('HSET', job(id), 's', 'r', 'st', QUEUED, 'n', '')
    if doubt then redis.call('HSET', job(id), 'dt', '1') end
    push(q, project, id)
    count(from, -1)
    count(QUEUED, 1)
    tell(id, QUEUED)
end

-- A lease ends without outcome.
local function give(id, v, node, doubt)
    local f = redis.call('HMGET', job(id), 's', 'v', 'n', 'q', 'g', 'ex')
    if not f[1] then
        redis.call('HDEL', P .. 'n:' .. node, id)
        lost(id)
    end
    if f[1] ~= 'l' or f[3] ~= node or f[2] ~= v then return 0 end
    leave(id, 'l', node)
    mortal(id, f[6])
    ready(id, f[4], f[5], SENDING, doubt)
    return 1
end

local function promote(most)
    local due = redis.call('ZRANGEBYSCORE', P .. 'wait', '-inf', text(now), 'LIMIT', 0, most)
    for _, id in ipairs(due) do
        local f = redis.call('HMGET', job(id), 's', 'st', 'q', 'g')
        leave(id, 'w')
        if f[1] == 'w' then ready(id, f[3], f[4], f[2], false) elseif not f[1] then lost(id) end
    end
    return #due
end

local function drop_bytes(id)
    redis.call('ZREM', P .. 'rest', id)
    local f = redis.call('HMGET', job(id), 'x', 'sz')
    if f[1] then
        redis.call('HDEL', job(id), 'x', 'b')
        redis.call('DECRBY', P .. 'bytes', f[2])
    end
end
local function forget(id)
    local st = redis.call('HGET', job(id), 'st')
    if not st then return end
    drop_bytes(id)
    redis.call('DEL', job(id), P .. 'a:' .. id)
    redis.call('ZREM', P .. 'all', id)
    redis.call('ZREM', P .. 'done', id)
    count(st, -1)
end

-- Done jobs are forgotten, but for those that a key still names.
local function outlived(ids)
    local some = false
    for _, id in ipairs(ids) do
        local till = tonumber(redis.call('HGET', job(id), 'ku') or '0')
        if till <= now then
            if redis.call('EXISTS', job(id)) == 0 then lost(id) end
            forget(id)
            some = true
        else
            redis.call('ZADD', P .. 'done', text(till), id)
        end
    end
    return some
end
-- Those that a key names until later stand behind now, and do not count.
local function trim(most, at_once)
    local many = math.min(redis.call('ZCOUNT', P .. 'done', '-inf', text(now)) - most, at_once)
    if many > 0 then outlived(redis.call('ZRANGEBYSCORE', P .. 'done', '-inf', text(now), 'LIMIT', 0, many)) end
    return many
end

-- When something is to be done next: mail is due, its life or the time of its bytes ends.
local function soonest()
    local best
    for _, set in ipairs({ 'wait', 'open', 'rest' }) do
        local first = redis.call('ZRANGE', P .. set, 0, 0, 'WITHSCORES')
        local at = first[2] and tonumber(first[2])
        if at and (not best or at < best) then best = at end
    end
    return best and text(best) or ''
end
