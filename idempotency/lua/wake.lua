-- wake: if the payment is due, recovers it where its lease lapsed, advances its due time and says what it needs.
-- ARGV  1 {ask (ms that an ask may take)}
-- Returns {w = send|ask|none, g}
-- A wake-up can be lost with the worker that took it: the next one follows soon, the others at growing distances, so that a backlog is
-- not woken again and again.
local function rewake(n)
  if n == 1 then return 10000 end
  return math.min(60000 * 2 ^ (n - 2), 15 * 60000)
end

local score = redis.call('ZSCORE', DUE, A.id)
if not score or tonumber(score) > NOW then return reply({w = 'none'}) end
local r = load()
if not r then
  redis.call('ZREM', DUE, A.id)
  return reply({w = 'none'})
end
if r.s == 'sending' then
  if NOW < r.le then
    redis.call('ZADD', DUE, integer(r.le), A.id)
    return reply({w = 'none'})
  end
  recover(r)
end
r.g = r.g + 1
if (r.s == 'queued' or r.s == 'ready') and r.dl and NOW >= r.dl then
  expire(r)
  return reply({w = 'none'})
end
if r.s == 'queued' or r.s == 'ready' then
  r.wk = math.min((r.wk or 0) + 1, 6)
  store(r, NOW + rewake(r.wk))
  return reply({w = 'send', g = r.g})
end
if r.s == 'pending' and r.au and r.q and NOW >= r.xp then withdraw(r) end
if (r.s == 'in_doubt' or r.s == 'pending') and overdue(r) then
  hold(r, 'poll_deadline', 'no final answer by the poll deadline')
  if not r.q then return reply({w = 'none'}) end
end
if r.s == 'pending' and not r.q then
  store(r, poll_deadline(r))
  return reply({w = 'none'})
end
if not r.q or r.s == 'blocked' or (FINAL[r.s] and not r.wu) then
  store(r, nil)
  return reply({w = 'none'})
end
if FINAL[r.s] and NOW >= r.wu then
  drop_details(r)
  store(r, nil)
  return reply({w = 'none'})
end
store(r, NOW + A.ask)
return reply({w = 'ask', g = r.g})
