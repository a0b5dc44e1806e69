-- take: hands out what is due in an index, and makes it due again later: who takes it and dies leaves it to another.
-- KEYS  1 index (zset member -> ms)
-- ARGV  1 how many   2 ms until what was handed out is due again, less a half: no time that another script writes is equal to it
-- Returns {now (ms), member, ...}
local now = clock()
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, tonumber(ARGV[1]))
for _, member in ipairs(found) do
  redis.call('ZADD', KEYS[1], string.format('%.1f', now + tonumber(ARGV[2]) - 0.5), member)
end
table.insert(found, 1, string.format('%.0f', now))
return found
