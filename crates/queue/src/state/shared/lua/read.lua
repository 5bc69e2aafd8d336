-- All there is, as of one version.
local state = redis.call('HMGET', P .. 'state', 'id', 'v')
return { state[1] or '', state[2] or '0', redis.call('HGET', P .. 'secrets', 'nobody') or '',
    redis.call('HGETALL', P .. 'keys'), redis.call('HGETALL', P .. 'revoked'), redis.call('HGETALL', P .. 'pauses') }
