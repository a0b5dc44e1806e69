-- rate: hands out the slots of a schedule that all workers share, to the two lanes of a provider.
-- KEYS  1 when the next slot is free (microseconds since 1970)   2 the lanes (hash, each field a lane's: w when it last wanted a slot,
--       v up to when its share is used, t up to when those that wait were promised slots)
-- ARGV  1 take|room   2 the lane: send|ask   3 distance of two slots   4 the longest wait that is worth a reservation, for room how far
--       ahead slots are promised   5 distance of two slots of the lane while the other wants some, too (all in microseconds)
--       6 the most to promise
-- Returns for take the wait until the reserved slot in microseconds, or -1 where it would be longer; for room the number of those that
-- may come for a slot.
local what, lane, distance, ahead, share = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local WANTED = 2000000 -- how long ago the other lane may have wanted a slot to be left its share
local BURST = 5        -- slots that a lane may have made up for before its share holds it back
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local function integer(n) return string.format('%.0f', n) end
local function field(name) return tonumber(redis.call('HGET', KEYS[2], name) or '0') end
local function keep(key, from) redis.call('PEXPIRE', key, integer(math.ceil((from - now + distance) / 1000) + 10000)) end

redis.call('HSET', KEYS[2], lane .. ':w', integer(now))
local shared = now - field((lane == 'send' and 'ask' or 'send') .. ':w') < WANTED
local used = field(lane .. ':v')
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
if shared then slot = math.max(slot, used - BURST * distance) end

if what == 'room' then
  local step = shared and share or distance
  local from = math.max(slot, field(lane .. ':t'))
  local n = math.max(0, math.min(tonumber(ARGV[6]), math.floor((now + ahead - from) / step) + 1))
  redis.call('HSET', KEYS[2], lane .. ':t', integer(from + n * step))
  keep(KEYS[2], from + n * step)
  return n
end

keep(KEYS[2], slot)
if slot - now > ahead then return -1 end
redis.call('HSET', KEYS[2], lane .. ':v', integer(math.min(math.max(used, slot) + share, slot + (BURST + 1) * distance)))
redis.call('SET', KEYS[1], integer(slot + distance), 'PX', integer(math.ceil((slot - now + distance) / 1000) + 1000))
return slot - now
