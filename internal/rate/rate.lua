-- rate: hands out the slots of a schedule that all workers share, to the two lanes of a provider.
-- KEYS  1 the lanes (hash, microseconds since 1970, each field a lane's: p when its next slot is free, w when it last wanted one, t up to
--       when those that wait were promised slots)
-- ARGV  1 take|capacity   2 the lane   3 the other lane   4 distance of two slots of both together   5 of the lane, and 6 of the other,
--       while both want some   7 the longest wait that is worth a reservation, for capacity how far ahead slots are promised (all in
--       microseconds)   8 the most to promise
-- Returns for take the wait until the reserved slot in microseconds, or -1 where it would be longer; for capacity the number of those that
-- may come for a slot.
local what, lane, other = ARGV[1], ARGV[2], ARGV[3]
local distance, mine, theirs, ahead = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local WANTED = 2000000 -- for how long a lane that wanted a slot is left its share
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local function field(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
local function keep(name, at) redis.call('HSET', KEYS[1], name, string.format('%.0f', at)) end

local next, others = field(lane .. ':p'), field(other .. ':p')
local shared = others > now or now - field(other .. ':w') < WANTED
local step = shared and mine or distance
local slot = math.max(now, next)
-- A lane that comes anew begins behind what the other reserved for itself while it was alone.
local anew = shared and now - next > WANTED
if anew then slot = math.max(slot, others) end
-- What the other left unused of its share may be taken instead, but not from one that waits for its first.
local unused = shared and not anew and now - others >= theirs and now - others <= WANTED
keep(lane .. ':w', now)
local lasts = math.max(next, others, now) - now + step
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(lasts / 1000) + 10000))

if what == 'capacity' then
  if unused then step = distance end
  local from = math.max(slot, field(lane .. ':t'))
  local n = math.max(0, math.min(tonumber(ARGV[8]), math.floor((now + ahead - from) / step) + 1))
  keep(lane .. ':t', from + n * step)
  return n
end

if unused and slot > now then
  keep(other .. ':p', math.max(others, now - 2 * theirs) + theirs)
  return 0
end
if slot - now > ahead + (anew and math.min(distance, ahead) or 0) then return -1 end
if anew and slot == others then keep(other .. ':p', slot + distance) end
keep(lane .. ':p', slot + step)
return slot - now
