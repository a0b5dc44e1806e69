-- defer: moves only the due time of what waits before Begin.
-- ARGV  1 {after (ms, at most 30 s)}
local r = load()
if not r then return fail('unknown') end
if FINAL[r.s] and not r.wu or r.s == 'blocked' or r.s == 'sending' then return settlement(r, false) end
redis.call('ZADD', DUE, integer(math.max(NOW + A.after, r.s == 'queued' and r.nb or 0)), A.id)
return settlement(r, true)
