-- A job that this node cannot read is held as it is, for a newer node or a person; its life does not end.
-- ARGV: id, version, why.
local id = ARGV[3]
local f = redis.call('HMGET', job(id), 's', 'v', 'n', 'st')
if not f[1] or f[1] == 'f' or f[2] ~= ARGV[4] or (f[1] == 'l' and f[3] ~= ME) then return out(0) end
leave(id, f[1], f[3])
redis.call('ZREM', P .. 'open', id)
redis.call('HINCRBY', job(id), 'v', 1)
redis.call('HSET', job(id), 's', 'h', 'st', HELD, 'n', '', 'why', ARGV[5])
count(f[4], -1)
count(HELD, 1)
tell(id, HELD)
return out(1)
