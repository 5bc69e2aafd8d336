-- ARGV: relay. Whether it was paused.
local ended = redis.call('HDEL', P .. 'pauses', ARGV[1])
moved()
return ended
