-- take: hands out what is due in an index, and makes it due again later: who takes it and dies leaves it to another.
-- KEYS  1 index (zset member -> ms)
-- ARGV  1 how many   2 ms until what was handed out is due again
-- Returns {now (ms), member, its score, member, its score, ...}
local now = clock()
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, tonumber(ARGV[1]))
-- A lease ends half a millisecond early: no time that another script writes, in whole ms, is equal to it.
local again = string.format('%.0f', now + tonumber(ARGV[2]) - 1) .. '.5'
local out = {string.format('%.0f', now)}
for _, member in ipairs(found) do
  redis.call('ZADD', KEYS[1], again, member)
  table.insert(out, member)
  table.insert(out, redis.call('ZSCORE', KEYS[1], member))
end
return out
