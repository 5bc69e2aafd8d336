-- A job is to be in no node's files any more. ARGV: id. The last 10000 are remembered for nodes that are down.
redis.call('ZADD', P .. 'unfiled', redis.call('INCR', P .. 'unfiles'), ARGV[3])
redis.call('ZREMRANGEBYRANK', P .. 'unfiled', 0, -10001)
return out(1)
