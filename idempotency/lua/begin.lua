-- begin: decides what is to be done with a payment, and opens the attempt where that is: send.
-- ARGV  1 {attempt, lease (ms), late (the first step cannot move money), q (the provider can be asked), only (the one type that the
--       caller makes; nil: every type), seals (how a text begins that the caller can open; nil: any that is not sealed)}
-- Returns {{d = send|ask|wait|done, s, t, n, le, until, now, hd, own (the attempt had begun already), wt (with wait: the reason for
--   which it cannot move), un (with wait: the beginning of what the caller cannot open)}, payload (with send)}
local mine
local function answer(t)
  t.now, t.own = NOW, mine and true
  return {reply(t)}
end

local function send(r)
  return {reply({d = 'send', s = r.s, t = r.t, n = r.n, le = r.le, now = NOW, hd = r.hd}), redis.call('GET', PAYLOAD) or ''}
end

local function wait(r, at, reason, unopened)
  redis.call('ZADD', DUE, integer(at), A.id)
  return answer({d = 'wait', s = r.s, ['until'] = at, wt = reason, un = unopened})
end

local function can_open(text)
  if not A.seals then return not string.find(text, '^s1%.[%w_-]+%.') end
  for _, head in ipairs(A.seals) do
    if string.sub(text, 1, #head) == head then return true end
  end
  return text == ''
end

-- The beginning of what the caller cannot open: enough to tell the key that it was sealed with.
local function closed(r)
  local texts = {redis.call('GET', PAYLOAD) or ''}
  for _, value in pairs(r.hd or {}) do texts[#texts + 1] = value end
  for _, text in ipairs(texts) do
    if not can_open(text) then return string.sub(text, 1, 48) end
  end
end

-- Undecided, or settled and still watched.
local function asked_about(r)
  if FINAL[r.s] then return r.wu and NOW < r.wu end
  return r.s ~= 'blocked' and r.q
end

local function open(r)
  r.at = r.at or {}
  r.at[#r.at + 1] = {A.attempt, NOW + A.lease, A.late and 'i' or 'o'}
  r.n = (r.n or 0) + 1
  r.o, r.le, r.q = A.attempt, NOW + A.lease, A.q and 1 or nil
  r.wk, r.na, r.ps, r.po, r.ea = nil, nil, nil, nil, nil
  r.co, r.ms, r.de = nil, nil, nil
  forget_counts(r)
  move(r, 'sending')
  store(r, r.le)
  return send(r)
end

local r = load()
if not r then return {fail('unknown')} end
mine = attempt_of(r, A.attempt)
if mine and recorded(mine) then return answer({d = 'done', s = r.s}) end
if r.s == 'sending' then
  if NOW < r.le then
    if r.o == A.attempt then return send(r) end
    return answer({d = 'wait', s = r.s, ['until'] = r.le})
  end
  recover(r)
end
if r.s ~= 'queued' and r.s ~= 'ready' then return answer({d = asked_about(r) and 'ask' or 'done', s = r.s}) end
if mine then return answer({d = 'done', s = r.s}) end -- an attempt is opened once
if r.dl and NOW >= r.dl then
  expire(r)
  return answer({d = 'done', s = r.s})
end
if redis.call('HEXISTS', HALTED, '*') == 1 then return wait(r, NOW + 30000, 'halted') end
if redis.call('HEXISTS', HALTED, A.acc) == 1 then return wait(r, NOW + 30000, 'halted:' .. A.acc) end
if A.only and A.only ~= r.t then return wait(r, NOW + 30000, 'account:' .. A.acc .. ':' .. r.t) end
local earliest = math.max(r.nb or 0, r.na or 0)
if NOW < earliest then return wait(r, earliest) end
local text = closed(r)
if text then return wait(r, NOW + 30000, nil, text) end
return open(r)
