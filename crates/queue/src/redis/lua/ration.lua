-- Mails that a relay may be given now, by all nodes together (GCRA). ARGV: relay, microseconds for one mail, those that
-- may have gathered, mails wanted, or less than 0: given back unused.
-- Answers how many, and if none in how many microseconds there is one.
local key, each, most, want = P .. 'rate:' .. ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local due = tonumber(redis.call('GET', key) or '0')
if want < 0 then
    if due > now then redis.call('SET', key, text(due + want * each), 'KEEPTTL') end
    return out({ '0', '0' })
end
local ahead = math.max(due - now, 0)
-- Further ahead it is only when the clock was set back, which is to stop nobody.
if ahead > most + each then
    ahead = most
    redis.call('SET', key, text(now + ahead), 'PX', text(math.ceil(ahead / 1000) + 1000))
end
local mails = math.min(math.floor((most - ahead) / each), want)
if mails < 1 then return out({ '0', text(math.max(math.ceil(ahead + each - most), 1)) }) end
ahead = math.ceil(ahead + mails * each)
redis.call('SET', key, text(now + ahead), 'PX', text(math.ceil(ahead / 1000) + 1000))
return out({ text(mails), '0' })
