-- A leased job that its node cannot read is held, as it is. ARGV: id, version, why.
local id = ARGV[3]
local f = redis.call('HMGET', job(id), 's', 'v', 'n')
if f[1] ~= 'l' or f[2] ~= ARGV[4] or f[3] ~= ME then return out(0) end
leave(id, 'l', ME)
redis.call('HINCRBY', job(id), 'v', 1)
redis.call('HSET', job(id), 's', 'h', 'st', HELD, 'n', '', 'why', ARGV[5])
count(SENDING, -1)
count(HELD, 1)
tell(id, HELD)
return out(1)
