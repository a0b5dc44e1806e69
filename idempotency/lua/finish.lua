-- finish: the attempt's outcome.
-- ARGV  1 {attempt, o {class, provider_id, code, message, decline, action_url, handles}, after (ms until the first poll)}
local function own(r, a, o)
  a[2] = NOW
  local known = r.pi
  take(r, o)
  if o.class == 'succeeded' or o.class == 'pending' then a[3] = '=' .. (o.provider_id or '') end
  if o.class == 'refused' then
    a[3] = 'r'
    if not nothing_known(r) then r.pi = known end -- the others must be asked about, not this one
  end
  if o.class == 'succeeded' then
    local ev = r.ev
    settle(r, 'succeeded')
    if ev and ev ~= '' and o.provider_id and ev ~= o.provider_id then
      anomaly(r, 'second_success', ev)
      store(r, KEEP)
    end
  elseif r.ev then
    evidence(r, o.class ~= 'refused' and o.provider_id or nil)
  elseif o.class == 'pending' then
    await(r, A.after)
  elseif o.class == 'mismatch' then
    if a[3] == 'i' then a[3] = 'n' end
    hold(r, o.code or 'mismatch', o.message)
  elseif o.class == 'refused' and nothing_known(r) and not r.ea then
    settle(r, 'failed')
  elseif a[3] == 'i' and not r.ea then
    a[3] = 'n'
    ready(r, A.after, o.code)
  else
    doubt(r)
  end
end

local LATE = {succeeded = late_success, pending = late_pending, refused = late_refusal, in_doubt = late_doubt,
  mismatch = function(r, a) if a[3] == 'i' then late_not_sent(r, a) else late_doubt(r, a) end end}
local r = load()
if not r then return fail('unknown') end
local a = attempt_of(r, A.attempt)
if not a then return fail('attempt') end
if recorded(a) then return settlement(r, false) end
if r.s == 'sending' and r.o == A.attempt then
  own(r, a, A.o)
else
  LATE[A.o.class](r, a, A.o, A.after)
end
return settlement(r, true)
