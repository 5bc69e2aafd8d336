#!lua flags=allow-oom
-- Before each script. KEYS[1]: the prefix of all keys of the queue. What was changed is another version for all nodes.
local P = KEYS[1]
local function moved()
    redis.call('PUBLISH', P .. 'state', redis.call('HINCRBY', P .. 'state', 'v', 1))
end
