-- add: keeps a subscription, or says that its id is taken.
-- KEYS  1 record (JSON text)   2 content (opaque here)   3 due index (zset id -> ms)   4 all ids (zset id -> ms when added)
-- ARGV  1 id   2 record   3 content   4 due (ms)   5 added (ms)
-- Returns "added", or the record that has the id.
local held = redis.call('GET', KEYS[1])
if held then return held end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
return 'added'
