-- After a connection was lost: leases that the node does not know of never reached it.
-- ARGV: id and version of each lease it has.
local has = {}
for at = 3, #ARGV, 2 do has[ARGV[at]] = ARGV[at + 1] end
local back, held = 0, redis.call('HGETALL', P .. 'n:' .. ME)
for i = 1, #held, 2 do
    if has[held[i]] ~= held[i + 1] then back = back + give(held[i], held[i + 1], ME, false) end
end
return out(back)
