-- person: a step by hand. It carries the version that the person saw.
-- ARGV  1 {version, step, by, note, as, provider_id, decline, reverse, risk}
local r = load()
if not r then return fail('unknown') end
if A.version ~= r.v then return fail('moved') end
local text = 'by ' .. A.by .. ': ' .. A.note
local doubtful = r.s == 'in_doubt' or r.s == 'pending' or r.s == 'held'
local STEP = {}

local function as_not_received()
  if r.s ~= 'held' then return fail('refused', 'only a held payment can be declared not received; this one is ' .. r.s) end
  local wait = last_end(r) + P.settle - NOW
  if wait > 0 then
    return fail('refused', 'the settle time has not passed; try again in ' .. integer(math.ceil(wait / 1000)) .. ' s')
  end
  r.co, r.ms, r.de = 'not_received', nil, nil
  settle(r, 'failed', text)
end

function STEP.resolve()
  if A.as == 'not-received' then return as_not_received() end
  if not doubtful then return fail('refused', 'only a payment that is in_doubt, pending or held can be resolved; this one is ' .. r.s) end
  if A.provider_id then r.pi = A.provider_id end
  r.co, r.ms, r.de = 'resolved', nil, A.decline
  settle(r, A.as, text)
end

-- What a person cleared is not raised again by the next question.
local function unflag()
  r.ax = r.an.k .. ':' .. r.an.p
  r.an = nil
  redis.call('ZREM', ANOMALIES, A.id)
end

function STEP.anomaly()
  if not r.an then return fail('refused', 'there is no anomaly') end
  local pid = r.an.p
  if A.reverse and not FINAL[r.s] then return fail('refused', 'only a settled payment can be reversed; this one is ' .. r.s) end
  unflag()
  if A.reverse and r.s == 'succeeded' then
    settle(r, 'reversed', text)
  elseif not A.reverse and r.s == 'failed' then
    if pid ~= '' then r.pi = pid end
    r.co, r.ms, r.de = nil, nil, nil
    settle(r, 'succeeded', text)
  else
    changed(r)
    remember(r, r.s, 'anomaly cleared ' .. text)
    store(r, KEEP)
  end
end

-- What is ready goes at once, whatever it was told to wait; what has failed begins again.
function STEP.retry()
  if r.s == 'ready' then
    r.na = nil
    changed(r)
    remember(r, r.s, text)
    return store(r, NOW)
  end
  if r.s ~= 'failed' then return fail('refused', 'only a failed or a ready payment can be retried; this one is ' .. r.s) end
  if r.an then return fail('refused', 'it has an anomaly; clear that first') end
  if r.sb then return fail('refused', 'a charge of a subscription is not retried by hand; its dunning makes new charges') end
  if redis.call('EXISTS', PAYLOAD) == 0 then
    return fail('refused', 'its details are no longer kept; submit it under a new reference')
  end
  local open = not nothing_known(r)
  if open and not (r.co == 'not_received' and A.risk) then
    return fail('refused', r.co == 'not_received' and 'an attempt may have been executed; --accept-double-risk takes that risk'
      or 'an attempt may have been executed')
  end
  redis.call('PERSIST', PAYLOAD)
  r.wu, r.pf, r.dl = nil, nil, nil
  r.co, r.ms, r.de, r.pi = nil, nil, nil, nil
  if open and r.q then
    r.rk = 1
    doubt(r, text)
  else
    ready(r, 0, text)
  end
end

function STEP.unblock()
  if r.s ~= 'blocked' then return fail('refused', 'only a blocked payment can be released; this one is ' .. r.s) end
  r.co, r.ms = nil, nil
  move(r, 'queued', text)
  store(r, math.max(NOW, r.nb or 0))
end

function STEP.cancel()
  if r.s ~= 'queued' and r.s ~= 'ready' and r.s ~= 'blocked' then
    return fail('refused', 'too late to cancel; the payment is ' .. r.s)
  end
  if not nothing_known(r) then return fail('refused', 'too late to cancel; an attempt may have been executed') end
  r.co, r.ms, r.de = 'cancelled', nil, nil
  settle(r, 'failed', text)
end

return STEP[A.step]() or settlement(r, true)
