-- A node goes: what it still has is in doubt, and it is no node any more.
local held = redis.call('HGETALL', P .. 'n:' .. ME)
for i = 1, #held, 2 do give(held[i], held[i + 1], ME, true) end
redis.call('DEL', P .. 'n:' .. ME)
part(ME)
redis.call('HDEL', P .. 'beats', ME)
return out(#held / 2)
