-- answer: what the provider said to a question.
-- ARGV  1 {version, asked (ms, the store's time of the question), o {class (also mismatch), ...}, after (ms until the next poll)}
-- An answer that is out of date changes nothing, except that a success in it is late evidence.
local r = load()
if not r then return fail('unknown') end
local o = A.o
local found = o.class == 'succeeded' or o.class == 'pending' or o.class == 'refused'
if found then prove() end

-- The last question of a session was answered: nobody paid.
local function expired(r)
  return r.s == 'pending' and r.xp and A.asked >= poll_deadline(r) and o.class ~= 'in_doubt'
end

local function again(r)
  r.po = (r.po or 0) + 1
  if r.s == 'pending' and r.au and NOW >= r.xp then withdraw(r) end
  if r.s == 'held' then
    store(r, NOW + DAY)
  elseif expired(r) then
    r.co, r.ms, r.de = 'expired_unpaid', nil, nil
    settle(r, 'failed', 'nobody paid in time')
  elseif overdue(r) then
    hold(r, 'poll_deadline', 'no final answer by the poll deadline')
  else
    store(r, next_ask(r, A.after))
  end
end

-- The provider may have two successes for one payment: the second is never dropped.
local function second_success(r)
  if o.second then
    anomaly(r, 'second_success', o.second)
    store(r, KEEP)
  end
end

local function succeeded(r)
  adopt(r, o.provider_id)
  found_success(r, o)
  second_success(r)
end

-- In held a pending answer is only noted.
local function pending(r)
  forget_counts(r)
  if r.s == 'in_doubt' or r.s == 'ready' then
    adopt(r, o.provider_id)
    take(r, o)
    return await(r, A.after)
  end
  if r.s == 'held' and opens(r) > 0 and not r.pi then
    adopt(r, o.provider_id)
    r.pi = o.provider_id
    changed(r)
    remember(r, r.s, 'the provider says: pending')
  end
  again(r)
end

-- The attempt that the refusal speaks of; one that reported itself stays reported.
local function refuse_attempts(r)
  for _, x in ipairs(r.at or {}) do
    local f = string.sub(x[3], 1, 1)
    if f == 'o' or f == '~' then x[3] = 'R' end
    if f == '=' then x[3] = 'r' end
  end
end

-- A refusal is adopted only when read twice, settle time apart, the second asked no earlier than settle time after the last end.
local function refused(r)
  if r.s == 'ready' then return end
  r.nf, r.nl = nil, nil
  if not r.rf or A.asked < last_end(r) + P.settle or A.asked < r.rf + P.settle then
    r.rf = r.rf or A.asked
    return again(r)
  end
  local named = r.pi and r.pi == o.provider_id and opens(r) == 0
  if count(r, 'o=~') <= 1 and (named or count(r, 'rR') == 0) then
    refuse_attempts(r)
    take(r, o)
    settle(r, 'failed')
  elseif r.s == 'held' then
    again(r)
  else
    hold(r, 'refusal_unclear', 'refused, but another attempt may have been executed')
  end
end

local function not_found(r)
  if r.s == 'ready' then return end
  r.rf = nil
  if r.s == 'held' then return again(r) end
  if r.rk then
    return ready(r, 0, 'not found; double risk accepted')
  end
  if A.asked < last_end(r) + P.settle or (r.nl and A.asked < r.nl + P.every) then return again(r) end
  r.nf, r.nl = (r.nf or 0) + 1, A.asked
  if r.nf < P.confirm then return again(r) end
  local was_known = r.s == 'pending' or r.ea or count(r, '=~') > 0
  if not P.resend or (r.rs or 0) >= P.resends or was_known then
    hold(r, 'not_found', 'the provider does not know it')
  elseif redis.call('HGET', LOOKUP, A.acc) ~= 'proven' then
    hold(r, 'lookup_unproven', 'not found, but no lookup of this account ever found a payment')
  else
    r.rs = (r.rs or 0) + 1
    ready(r, 0, 'not found')
  end
end

local function mismatch(r)
  if r.s == 'held' then return again(r) end
  if r.s ~= 'ready' then hold(r, o.code or 'mismatch', o.message) end
end

-- A settled payment: a contradiction is an anomaly; a watch goes on until its end, a proof is asked for once.
local function settled(r)
  local KIND = {failed = {succeeded = 'late_success', pending = 'late_pending'},
    succeeded = {refused = 'refused_after_succeeded', mismatch = 'mismatch'}}
  local kind = (KIND[r.s] or {})[o.class]
  if kind == 'late_pending' and r.xp then kind = nil end -- an unpaid session is no contradiction
  if kind then
    anomaly(r, kind, o.provider_id)
  elseif o.class == 'succeeded' and o.provider_id and r.s == 'succeeded' then
    if not r.pi then
      r.pi = o.provider_id
      changed(r)
    elseif r.pi ~= o.provider_id then
      anomaly(r, 'second_success', o.provider_id)
    elseif o.second then
      anomaly(r, 'second_success', o.second)
    end
  end
  local answered = o.class ~= 'in_doubt'
  if r.wu and (NOW >= r.wu or (r.pf and answered)) then
    drop_details(r)
    store(r, nil)
  elseif r.wu then
    store(r, r.pf and NOW + A.after or watch_again(r))
  else
    store(r, KEEP)
  end
end

if A.version ~= r.v or r.s == 'sending' then
  if o.class ~= 'succeeded' then return settlement(r, false) end
  late_success(r, nil, o)
  return settlement(r, true)
end
if FINAL[r.s] then
  settled(r)
elseif r.s == 'queued' or r.s == 'blocked' then
  return settlement(r, false)
else
  local STEP = {succeeded = succeeded, pending = pending, refused = refused, not_found = not_found, mismatch = mismatch}
  local step = STEP[o.class]
  if step then
    step(r)
  elseif r.s ~= 'ready' then
    again(r)
  end
end
return settlement(r, true)
