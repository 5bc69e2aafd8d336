-- ARGV: relay, row, whether a pause that is there already stays as it is.
if ARGV[3] == '1' then redis.call('HSETNX', P .. 'pauses', ARGV[1], ARGV[2])
else redis.call('HSET', P .. 'pauses', ARGV[1], ARGV[2]) end
moved()
return 1
