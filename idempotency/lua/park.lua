-- park: takes what cannot move out of the due index, to wait for the end of a reason; the longest registered is the first to be let go.
-- What its own time moves on while the reason lasts stays due at that time.
-- KEYS  10 the waiting of this reason (zset id -> ms)   11 reasons (set)
-- ARGV  1 {reason}
local r = load()
if not r then return fail('unknown') end
if FINAL[r.s] and not r.wu or r.s == 'blocked' or r.s == 'sending' then return settlement(r, false) end
local early = math.max(r.s == 'queued' and r.nb or 0, r.s == 'ready' and r.na or 0)
if early > NOW then
  redis.call('ZADD', DUE, integer(early), A.id)
  return settlement(r, false)
end

-- The times at which it must be looked at all the same; the last one, if it has passed, at once.
local function own_times()
  if r.s == 'queued' or r.s == 'ready' then return {r.dl} end
  if FINAL[r.s] then return {r.wu} end
  if r.s == 'held' or not r.ps then return {} end
  return {r.au and r.xp or NOW, poll_deadline(r), poll_deadline(r) + (r.xp and DAY or 0)}
end

local due
for _, at in ipairs(own_times()) do
  if not due or due <= NOW then due = at end
end
if due then
  redis.call('ZADD', DUE, integer(due), A.id)
else
  redis.call('ZREM', DUE, A.id)
end
redis.call('ZADD', KEYS[10], integer(r.cr), A.id)
redis.call('SADD', KEYS[11], A.reason)
return settlement(r, true)
