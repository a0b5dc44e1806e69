-- rate: reserves the next free slot of a schedule that all workers share.
-- KEYS  1 the schedule: when its next slot is free, in microseconds since 1970
-- ARGV  1 distance of two slots   2 the longest wait that is worth a reservation   (both in microseconds)
-- Returns the wait until the reserved slot in microseconds, or -1 where the wait would be longer.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = slot - now
if wait > tonumber(ARGV[2]) then return -1 end
local distance = tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', slot + distance), 'PX', string.format('%.0f', math.ceil((wait + distance) / 1000) + 1000))
return wait
