-- heard: takes a piece of news out of its index, unless there is a newer one of the same charge.
-- KEYS  1 index (zset member -> ms)
-- ARGV  1 member   2 the time that it was given when it was taken (ms and a half, see take)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
