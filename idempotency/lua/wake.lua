-- wake: if the payment is due, recovers it where its lease lapsed, advances its due time and says what it needs.
-- ARGV  1 {ask (ms that an ask may take)}
-- Returns {w = send|ask|none, g}
local MINUTE = 60000
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
  r.wk = math.min((r.wk or 0) + 1, 5)
  store(r, NOW + math.min(MINUTE * 2 ^ (r.wk - 1), 15 * MINUTE))
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
