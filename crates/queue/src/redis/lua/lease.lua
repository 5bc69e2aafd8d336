-- Leases up to so many jobs to a node: urgent first, projects in turn, none starved (as table::lanes).
-- ARGV: route ('' none), relay, only urgent (0 or 1), limit, octets after which it is enough, number of the connection.
-- A node that is not believed to live gets none, for nobody would look after them; nor who asked by a connection that
-- was given up, for nobody would hear of them.
if not lives(ME) then return out('dead') end
if tonumber(redis.call('HGET', P .. 'links', ME) or '0') > tonumber(ARGV[8]) then return out('late') end
local wanted, relay, urgent = ARGV[3], ARGV[4], ARGV[5] == '1'
local limit, enough = tonumber(ARGV[6]), tonumber(ARGV[7])
local SHARE = 8
promote(500)

local turns = tonumber(redis.call('HGET', P .. 'turns', 't') or '0')
local taken = {}
local function rest(name)
    taken[name] = (taken[name] or tonumber(redis.call('HGET', P .. 'turns', name) or '0')) + 1
    if taken[name] % SHARE == 0 then return { '2', '1' } end
    return { '1', '2' }
end
local function from(name, hurry)
    for _, priority in ipairs(hurry and { '0' } or rest(name)) do
        local id = pop(priority .. name)
        if id then return id, priority .. name end
    end
end
local function find()
    turns = turns + 1
    local named = wanted ~= '' and wanted ~= relay and wanted
    -- Pinned jobs first: they were tried before. Of the two routes each goes first in turn.
    local names = { 'o' .. relay }
    if turns % 2 == 0 then names[2] = 'r' .. relay end
    if named then names[#names + 1] = 'r' .. named end
    if turns % 2 ~= 0 then names[#names + 1] = 'r' .. relay end
    local looks = { true, false }
    if urgent then looks = { true } elseif turns % SHARE == 0 then looks = { false, true } end
    for _, hurry in ipairs(looks) do
        for _, name in ipairs(names) do
            local id, q = from(name, hurry)
            if id then return id, q end
        end
    end
end

-- What was held, ended or moved elsewhere still stands in its lane. Others wait while we take that out.
local STRAYS = 10000
local rows, octets, strays = {}, 0, 0
while #rows < limit and octets < enough and strays < STRAYS do
    local id, q = find()
    if not id then break end
    local f = redis.call('HMGET', job(id), 's', 'q', 'ex', 'sz', 'h', 'p', 'du', 'dt', 'x', 'b', 'on', 'v')
    if f[1] == 'r' and f[2] == q and tonumber(f[3]) > now then
        local v = text(tonumber(f[12]) + 1)
        redis.call('HSET', job(id), 's', 'l', 'st', SENDING, 'n', ME, 'v', v)
        redis.call('HSET', P .. 'n:' .. ME, id, v)
        redis.call('ZREM', P .. 'open', id)
        count(QUEUED, -1)
        count(SENDING, 1)
        tell(id, SENDING)
        octets = octets + tonumber(f[4])
        rows[#rows + 1] = { id, v, f[5], f[6], f[7], f[3], f[8], f[9], f[10], f[11] }
    else
        strays = strays + 1
        if not f[1] and id ~= '' then lost(id) end
    end
end
redis.call('HSET', P .. 'turns', 't', text(turns % 1000000))
for name, n in pairs(taken) do redis.call('HSET', P .. 'turns', name, text(n % 1000000)) end
if #rows == 0 and strays == STRAYS then return out('more') end
return out(rows)
