-- unpark: makes those that were registered first due again. What moved on meanwhile is dropped by whoever looks at it next.
-- KEYS  10 the waiting of this reason (zset id -> ms)   11 reasons (set)
-- ARGV  1 {reason, limit}
-- Returns {n}
local ids = redis.call('ZRANGE', KEYS[10], 0, A.limit - 1)
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[10], id)
  redis.call('ZADD', DUE, integer(NOW), id)
end
if redis.call('EXISTS', KEYS[10]) == 0 then redis.call('SREM', KEYS[11], A.reason) end
return reply({n = #ids})
