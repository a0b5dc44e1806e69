-- KEYS: lease, active, the task, index of tasks put aside, where this one is kept. ARGV: id, name, now, seconds to keep it, most to keep.
-- Returns kept, full (more may not be put aside: only the lease goes), or gone (it was dealt with meanwhile).
local id, name = ARGV[1], ARGV[2]
local now, keep, most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lease = redis.call('ZSCORE', KEYS[1], id)
if not lease or tonumber(lease) > now then
  return 'gone'
end
redis.call('ZREM', KEYS[1], id)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - keep)
if redis.call('ZCARD', KEYS[4]) >= most then
  return 'full'
end
redis.call('LREM', KEYS[2], 0, id)
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('RENAME', KEYS[3], KEYS[5])
  redis.call('EXPIRE', KEYS[5], keep)
end
redis.call('ZADD', KEYS[4], now, name)
redis.call('EXPIRE', KEYS[4], keep)
return 'kept'
