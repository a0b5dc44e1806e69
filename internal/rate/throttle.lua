-- throttle: what all workers know of an account that the provider throttles (429). When the wait is over one request is the probe.
-- KEYS  1 the accounts that wait (hash account -> until|until when a probe is under way, ms since 1970)
-- ARGV  1 enter|set|well|unwell|capacity   2 account   3 set: how long to wait; enter: how long a probe may take (ms)
-- Returns for enter 0: go on, -1: go on as the probe, else how long to wait (ms); for capacity how many may come: 0, 1, or -1 for all.
local what, account, ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local told, probe = string.match(redis.call('HGET', KEYS[1], account) or '', '^(%d+)|(%d+)$')
local busy = told and math.max(tonumber(told), tonumber(probe))

local function keep(till, probing) redis.call('HSET', KEYS[1], account, string.format('%.0f|%.0f', till, probing)) end

if what == 'set' then
  keep(math.max(now + ms, tonumber(told or '0')), 0)
elseif what == 'well' then
  redis.call('HDEL', KEYS[1], account)
elseif what == 'unwell' then
  if told then keep(tonumber(told), 0) end
elseif what == 'capacity' then
  if not told then return -1 end
  return now < busy and 0 or 1
elseif told and now < busy then
  return busy - now
elseif told then
  keep(tonumber(told), now + ms)
  return -1
end
return 0
