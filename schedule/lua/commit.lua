-- commit: writes what was decided about a subscription, unless it moved on since it was read.
-- KEYS  1 record   2 content   3 due index   4 the content that the open period was claimed with, where the present one is another
--       5 permit (the id of the charge that may be registered)   6 settled periods (list)   7 outcome stream
-- ARGV  1 id   2 the version that was read   3 record   4 {due (ms, nil: nobody looks), freeze, thaw, permit (text), withdraw,
--       settled = [text], events = [[field, value, ...]], oldest (stream id from which events are kept), keep (settled periods)}
--       5 the new content, empty where it stays
-- Returns 1, or 0 where it moved on.
local held = redis.call('GET', KEYS[1])
if not held or string.format('%.0f', cjson.decode(held).v) ~= ARGV[2] then return 0 end
local a = cjson.decode(ARGV[4])
if a.freeze and redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('SET', KEYS[4], redis.call('GET', KEYS[2]))
end
redis.call('SET', KEYS[1], ARGV[3])
if a.thaw then redis.call('DEL', KEYS[4]) end
if ARGV[5] ~= '' then redis.call('SET', KEYS[2], ARGV[5]) end
if a.due then
  redis.call('ZADD', KEYS[3], string.format('%.0f', a.due), ARGV[1])
else
  redis.call('ZREM', KEYS[3], ARGV[1])
end
if a.withdraw then redis.call('DEL', KEYS[5]) end
if a.permit then redis.call('SET', KEYS[5], a.permit) end
for _, period in ipairs(a.settled or {}) do
  redis.call('RPUSH', KEYS[6], period)
end
if a.settled then redis.call('LTRIM', KEYS[6], -a.keep, -1) end
for _, fields in ipairs(a.events or {}) do
  redis.call('XADD', KEYS[7], 'MINID', '~', a.oldest, '*', unpack(fields))
end
return 1
