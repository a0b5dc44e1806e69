-- lib: what every step shares; the loader puts it in front of each step's file.
--
-- KEYS  1 record (JSON text)         2 payload (as registered, opaque here)   3 due index (zset id -> ms)
--       4 states (zset id -> rank*1e14 + ms)   5 outcome stream               6 anomalies (zset id -> ms)
--       7 lookup (hash account -> asked|proven)                               8 halted (hash account or * -> by whom)
--       9 news (zset subscription|id -> ms: charges of subscriptions that ended or have an anomaly; their sweeper takes them out)
-- ARGV  1 the step's arguments as a JSON object; 2 where a step says so
-- Every argument object carries: key, id, ref, acc, and the provider's policy p {settle, every, confirm, resend, resends, deadline,
-- retain, outcomes} (ms, counts). Absent means nil or false; no argument is ever JSON null.
--
-- Record: s state, v version, g generation, t type, f fingerprint, m amount, c currency, cr created, up updated, nb not before,
-- dl deadline, md metadata (JSON text), sb subscription, pe period, ob exclusive object, q askable, h history,
-- at attempts {id, end, fate}, n attempts ever, o owner, le lease end, na not again before, hd handles, pi provider id, co code,
-- ms message, de decline, au action URL, ps polling since, po polls answered, nf not-founds counted, nl last counted, rf refusal
-- read at, rs resends, rk double risk accepted, ev late success kept as evidence (provider id), ea ask when the owner's attempt ends,
-- wk wake-ups in the present state, xp a payer must act until, wu watch until, pf looked up once as proof that the lookup works, an anomaly {k, p, t},
-- ax the anomaly that a person cleared last.
--
-- Fates: i not yet at a step that can move money, o open, n not executed, r refused, =ID known to the provider (these three by the
-- attempt's own report), R refused, ~ID known (by a status answer).
local HOUR = 3600000
local DAY = 24 * HOUR
local WATCH = 7 * DAY       -- how long a possible later execution is looked for
local GRACE = 2 * HOUR        -- after a payer's time is over, for what was under way
local RETRY_WINDOW = 30 * DAY -- how long a failed payment can be tried again and stays listed
local KEEP = false          -- due time unchanged
local RANK = {queued = 1, sending = 2, ready = 3, in_doubt = 4, pending = 5, held = 6, blocked = 7, failed = 8}
local FINAL = {succeeded = true, failed = true, reversed = true}
local RECORD, PAYLOAD, DUE, STATES, OUTCOMES, ANOMALIES, LOOKUP, HALTED, NEWS = unpack(KEYS)
local A = cjson.decode(ARGV[1])
local P = A.p
local NOW = clock()
local MOVED, RAISED -- what this step did: changed the state, found an anomaly

local function load()
  local raw = redis.call('GET', RECORD)
  return raw and cjson.decode(raw)
end

local function integer(n) return string.format('%.0f', n) end

-- RFC 3339 in UTC with milliseconds.
local function stamp(ms)
  local days = math.floor(ms / DAY)
  local rest = ms - days * DAY
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, math.floor(rest / 3600000),
    math.floor(rest / 60000) % 60, math.floor(rest / 1000) % 60, rest % 1000)
end

-- One entry of the outcome stream; trimmed by age as it grows.
local function emit(r, event)
  redis.call('XADD', OUTCOMES, 'MINID', '~', integer(NOW - P.outcomes), '*',
    'key', A.key, 'type', r.t, 'state', r.s, 'reference', A.ref, 'provider_id', r.pi or '', 'code', r.co or '',
    'message', r.ms or '', 'decline', r.de or '', 'amount', r.m, 'currency', r.c, 'attempt', integer(r.n or 0),
    'at', stamp(NOW), 'metadata', r.md or '', 'action_url', r.au or '', 'event', event,
    'event_id', A.key .. ':' .. integer(r.v), 'account', A.acc, 'subscription', r.sb or '', 'period', r.pe or '')
end

-- History keeps the first eight entries and the newest; what an endless outage adds in between goes.
local function remember(r, state, text)
  local e = integer(NOW - r.cr) .. '|' .. state .. '|' .. integer(r.n or 0)
  if text and text ~= '' then e = e .. '|' .. text end
  r.h = r.h or {}
  r.h[#r.h + 1] = e
  if #r.h > 64 then table.remove(r.h, 9) end
end

local function changed(r)
  r.v = r.v + 1
  r.up = NOW
end

-- Tells the sweeper of subscriptions, in the same step, what became of a charge.
local function tell(r)
  if r.sb then redis.call('ZADD', NEWS, integer(NOW), r.sb .. '|' .. A.id) end
end

-- A change of state with its index, history and event.
local function move(r, state, text)
  r.s = state
  MOVED = true
  changed(r)
  remember(r, state, text)
  local rank = RANK[state]
  if rank then
    redis.call('ZADD', STATES, integer(rank * 1e14 + (state == 'failed' and NOW or r.cr)), A.id)
  else
    redis.call('ZREM', STATES, A.id)
  end
  if state == 'failed' then
    redis.call('ZREMRANGEBYSCORE', STATES, integer(rank * 1e14), integer(rank * 1e14 + NOW - RETRY_WINDOW))
  end
  if FINAL[state] then tell(r) end
  emit(r, 'state')
end

-- Writes the record and its due time (nil: nobody needs to look, KEEP: as it is). Only what is settled for good expires.
local function store(r, due)
  if due then
    redis.call('ZADD', DUE, integer(due), A.id)
  elseif due == nil then
    redis.call('ZREM', DUE, A.id)
  end
  if FINAL[r.s] and not r.wu and not r.an then
    redis.call('SET', RECORD, cjson.encode(r), 'PX', integer(P.retain))
  else
    redis.call('SET', RECORD, cjson.encode(r))
  end
end

local function anomaly(r, kind, pid)
  pid = pid or ''
  if r.an and r.an.k == kind and r.an.p == pid then return end
  if r.xp and pid ~= '' and r.ax == kind .. ':' .. pid then return end -- a session is asked about hourly: cleared stays cleared
  r.an = {k = kind, p = pid, t = NOW}
  RAISED = kind
  changed(r)
  remember(r, r.s, 'anomaly: ' .. kind)
  redis.call('ZADD', ANOMALIES, integer(NOW), A.id)
  tell(r)
  emit(r, 'anomaly')
end

-- Attempts ---------------------------------------------------------------------------------------------------------------------

local function attempt_of(r, id)
  for _, a in ipairs(r.at or {}) do
    if a[1] == id then return a end
  end
end

local function recorded(a)
  local f = string.sub(a[3], 1, 1)
  return f == 'n' or f == 'r' or f == '='
end

local function count(r, fates, except)
  local n = 0
  for _, a in ipairs(r.at or {}) do
    if a ~= except and string.find(fates, string.sub(a[3], 1, 1), 1, true) then n = n + 1 end
  end
  return n
end

local function opens(r, except) return count(r, 'o', except) end

-- No attempt may have been executed, and the provider knows of none.
local function nothing_known(r) return count(r, 'o=~') == 0 end

-- The attempt that the provider's known id belongs to; one that the provider knows without an id stands in where none has that id.
local function source(r)
  local nameless
  for _, a in ipairs(r.at or {}) do
    local f = string.sub(a[3], 1, 1)
    if f == '=' or f == '~' then
      if string.sub(a[3], 2) == (r.pi or '') then return a end
      if a[3] == f then nameless = a end
    end
  end
  return nameless
end

-- What the provider was found to have belongs to the only attempt that can have brought it there.
local function adopt(r, pid)
  if opens(r) ~= 1 or count(r, '=~') > 0 then return end
  for _, a in ipairs(r.at) do
    if a[3] == 'o' then a[3] = '~' .. (pid or '') end
  end
end

-- The end of the latest attempt that may have reached the provider.
local function last_end(r)
  local e = 0
  for _, a in ipairs(r.at or {}) do
    if a[3] ~= 'n' and a[3] ~= 'i' and a[2] > e then e = a[2] end
  end
  return e
end

-- Attempts that were not executed are forgotten beyond the newest 32, so that a long outage cannot grow a record without bound.
-- The owner's attempt stays, wherever it stands.
local function trim(r)
  local n = count(r, 'ni')
  local i = 1
  while n > 32 and i <= #r.at do
    local f = r.at[i][3]
    if (f == 'n' or f == 'i') and r.at[i][1] ~= r.o then
      table.remove(r.at, i)
      n = n - 1
    else
      i = i + 1
    end
  end
end

local function forget_counts(r) r.nf, r.nl, r.rf = nil, nil, nil end

-- What an outcome brought; empty texts change nothing.
local function take(r, o)
  if o.provider_id then r.pi = o.provider_id end
  r.co, r.ms, r.de = o.code, o.message, o.decline
  if o.action_url then
    r.au, r.xp = o.action_url, r.dl or NOW + DAY
  end
  for k, v in pairs(o.handles or {}) do
    r.hd = r.hd or {}
    r.hd[k] = v
  end
end

-- Leaving a state ----------------------------------------------------------------------------------------------------------------

local function prove() redis.call('HSET', LOOKUP, A.acc, 'proven') end

-- Details that nobody needs any more: a failed payment keeps its payload as long as it can be tried again.
local function drop_details(r)
  r.hd, r.wu, r.pf, r.xp = nil, nil, nil, nil
  if r.s == 'failed' then
    redis.call('PEXPIRE', PAYLOAD, integer(math.min(RETRY_WINDOW, P.retain)))
  else
    redis.call('DEL', PAYLOAD)
  end
end

-- A session may still be paid by whoever holds its address: hourly for a day, then daily.
local function watch_again(r)
  local young = r.xp and NOW < r.wu - WATCH + DAY
  return NOW + (young and HOUR or DAY)
end

-- Whether a settled payment is still looked at, and when: an open attempt, or one that the provider had and did not end, may yet be
-- executed; an account's first success proves under resend that its lookup works.
local function watch(r)
  if not r.q then return nil end
  if r.xp and r.s ~= 'reversed' then
    r.wu = NOW + WATCH
    return watch_again(r)
  end
  if (r.s == 'failed' and not nothing_known(r)) or
    (r.s == 'succeeded' and (count(r, 'o=~') > 1 or (opens(r) > 0 and count(r, 'oR=~r') > 1))) then
    r.wu = NOW + WATCH
    return NOW + DAY
  end
  if r.s == 'succeeded' and P.resend and source(r) and redis.call('HSETNX', LOOKUP, A.acc, 'asked') == 1 then
    r.wu, r.pf = NOW + DAY, 1
    return NOW
  end
end

local function settle(r, state, text)
  r.o, r.le, r.na, r.ps, r.po, r.ev, r.ea, r.rk, r.wk, r.rs = nil, nil, nil, nil, nil, nil, nil, nil, nil, nil
  forget_counts(r)
  r.au = nil
  move(r, state, text)
  local due = watch(r)
  if not due then drop_details(r) end
  store(r, due)
end

local function hold(r, code, text)
  r.o, r.le, r.wk, r.rk = nil, nil, nil, nil
  if code then r.co = code end
  move(r, 'held', text)
  store(r, r.q and NOW + DAY or nil)
end

-- The next instant at which an answer of "not found" or "refused" counts.
local function counts_at(r)
  local at = last_end(r) + P.settle
  if r.nl then at = math.max(at, r.nl + P.every) end
  if r.rf then at = math.max(at, r.rf + P.settle) end
  return at
end

-- What is undecided then is held. A payer who must act has until the payment's own deadline and a grace; then it has expired.
local function poll_deadline(r) return r.xp and r.xp + GRACE or r.ps + P.deadline end

-- Nobody answered the question whether a payer paid in time.
local function overdue(r) return NOW >= poll_deadline(r) + (r.xp and DAY or 0) end

-- The payer's time is over: the address is taken back.
local function withdraw(r)
  r.au = nil
  changed(r)
  remember(r, r.s, 'the payer\'s time is over')
end

-- When to ask again: as the backoff says, sooner where an answer counts sooner, never past the poll deadline.
local function next_ask(r, after)
  local due = NOW + after
  local at = counts_at(r)
  if r.s == 'in_doubt' or r.rf then
    if at > NOW and at < due then due = at end
  end
  for _, at in ipairs({r.au and r.xp or due, poll_deadline(r)}) do
    if at > NOW and at < due then due = at end
  end
  return due
end

local function doubt(r, text)
  if not r.q then return hold(r, r.co or 'not_askable', text) end
  r.o, r.le, r.wk = nil, nil, nil
  r.ps, r.po = NOW, 0
  move(r, 'in_doubt', text)
  store(r, NOW)
end

local function await(r, after, text)
  r.o, r.le, r.wk, r.rk = nil, nil, nil, nil
  r.ps, r.po = r.ps or NOW, r.po or 0
  move(r, 'pending', text)
  store(r, r.q and NOW + after or poll_deadline(r))
end

local function ready(r, after, text)
  r.o, r.le, r.wk, r.ps, r.po, r.rk = nil, nil, nil, nil, nil, nil
  r.na = after > 0 and NOW + after or nil
  trim(r)
  move(r, 'ready', text)
  store(r, NOW + after)
end

-- A late success, told while another attempt was sending, decides when that attempt ends.
local function evidence(r, pid)
  local ev = r.ev
  local second = pid and pid ~= '' and ev ~= '' and pid ~= ev
  r.pi = ev ~= '' and ev or pid
  r.co, r.ms, r.de = nil, nil, nil
  settle(r, 'succeeded', 'late result')
  if second then
    anomaly(r, 'second_success', pid)
    store(r, KEEP)
  end
end

-- The deadline of the payment itself passed.
local function expire(r)
  if nothing_known(r) then
    r.co, r.ms, r.de = 'expired', 'the deadline passed before it could be sent', nil
    settle(r, 'failed', 'deadline passed')
  else
    hold(r, 'expired', 'deadline passed')
  end
end

-- Recover: the lease lapsed; what the attempt did is unknown unless it never reached a step that can move money.
local function recover(r)
  local a = attempt_of(r, r.o)
  if r.ev then
    evidence(r)
  elseif a[3] == 'i' and not r.ea then
    ready(r, 0, 'lease lapsed')
  else
    r.co, r.ms, r.de = 'lease_lapsed', nil, nil
    doubt(r, 'lease lapsed')
  end
end

-- A success on a payment that was not settled; the provider may have named another id before.
local function found_success(r, o, text)
  local before = r.pi
  take(r, o)
  settle(r, 'succeeded', text)
  if before and before ~= r.pi then
    anomaly(r, 'second_success', before)
    store(r, KEEP)
  end
end

-- Late results: the attempt no longer owns the record ----------------------------------------------------------------------------

-- A success on a succeeded payment: from is the attempt that the recorded success came from, a the one that reports now, nil for a
-- status answer. An id not known yet is learnt; another id, or another attempt's success without one, is a second success.
local function success_again(r, a, from, pid)
  local same = not a or not from or a == from
  if pid == (r.pi or '') and (same or pid ~= '') then return end
  if pid == '' and same and (not a or from) then return end
  if r.pi or not same or r.s == 'reversed' then return anomaly(r, 'second_success', pid) end
  r.pi = pid
  changed(r)
  remember(r, r.s, 'provider id learnt')
end

-- a is nil where the success came with an out-of-date status answer.
local function late_success(r, a, o)
  local pid = o.provider_id or ''
  local s = r.s
  local from = source(r)
  if a then a[3] = '=' .. pid end
  if s == 'sending' then
    if r.ev and r.ev ~= '' and pid ~= '' and r.ev ~= pid then anomaly(r, 'second_success', pid) end
    if not r.ev or r.ev == '' then r.ev = pid end
    changed(r)
    remember(r, r.s, 'late success of another attempt')
    store(r, KEEP)
  elseif s == 'succeeded' or s == 'reversed' then
    if a then changed(r) end
    success_again(r, a, from, pid)
    store(r, KEEP)
  elseif s == 'failed' then
    if a then changed(r) end
    anomaly(r, 'late_success', pid)
    store(r, KEEP)
  else
    if not a then adopt(r, o.provider_id) end
    found_success(r, o, 'late result')
  end
end

local function late_pending(r, a, o, after)
  local pid = o.provider_id or ''
  if r.s == 'sending' then
    r.ea = 1
    changed(r)
    store(r, KEEP)
  elseif r.s == 'failed' then
    a[3] = '=' .. pid
    changed(r)
    anomaly(r, 'late_pending', pid)
    store(r, KEEP)
  elseif r.s == 'held' then
    a[3] = '=' .. pid
    r.pi = r.pi or o.provider_id
    changed(r)
    remember(r, r.s, 'late result: pending')
    store(r, KEEP)
  elseif r.s == 'ready' or r.s == 'in_doubt' then
    a[3] = '=' .. pid
    take(r, o)
    await(r, after, 'late result')
  elseif pid == (r.pi or '') then
    a[3] = '=' .. pid
    changed(r)
    store(r, KEEP)
  end
end

-- Closes the attempt by its own proof; the caller decides what follows for the payment.
local function close(r, a, fate)
  a[3] = fate
  a[2] = math.max(a[2], NOW)
  changed(r)
end

-- The provider knows the payment, and only this attempt can have brought it there.
local function known_from(r, a)
  local known = r.s == 'pending' or count(r, '=~') > 0
  return known and (a == source(r) or count(r, 'o=~', a) == 0)
end

local function late_not_sent(r, a)
  if not FINAL[r.s] and r.s ~= 'sending' and known_from(r, a) then
    anomaly(r, 'not_sent_but_known', r.pi)
    store(r, KEEP)
    return
  end
  if (r.s == 'succeeded' or r.s == 'reversed') and a == source(r) then return end
  close(r, a, 'n')
  if (r.s == 'in_doubt' or r.s == 'held') and nothing_known(r) then
    ready(r, 0, 'late result: not sent')
  else
    store(r, KEEP)
  end
end

local function late_refusal(r, a, o)
  if r.s == 'succeeded' and a == source(r) or not FINAL[r.s] and r.s ~= 'sending' and known_from(r, a) then
    anomaly(r, 'refused_after_' .. (r.s == 'succeeded' and r.s or 'pending'), r.pi)
    store(r, not FINAL[r.s] and r.q and NOW or KEEP)
    return
  end
  close(r, a, 'r')
  local open_state = r.s == 'ready' or r.s == 'in_doubt' or r.s == 'held'
  if open_state and nothing_known(r) then
    take(r, o)
    settle(r, 'failed', 'late result')
  else
    store(r, KEEP)
  end
end

-- A late "in doubt" moves the attempt's end and nothing else; answers before it no longer count.
local function late_doubt(r, a)
  if a[3] == 'i' or NOW <= a[2] then return end
  a[2] = NOW
  forget_counts(r)
  store(r, KEEP)
end

-- Replies ------------------------------------------------------------------------------------------------------------------------

local function reply(t) return cjson.encode(t) end

local function fail(kind, why) return reply({e = kind, why = why}) end

local function settlement(r, applied)
  return reply({s = r.s, t = r.t, ok = applied, mv = MOVED, an = RAISED, cr = r.cr, now = NOW})
end
