-- release: the attempt was not executed.
-- ARGV  1 {attempt, reason, after (ms until it may begin again)}
local r = load()
if not r then return fail('unknown') end
local a = attempt_of(r, A.attempt)
if not a then
  -- Its Begin may still be on its way: it must find that the attempt is over.
  if not FINAL[r.s] then
    r.at = r.at or {}
    r.at[#r.at + 1] = {A.attempt, NOW, 'n'}
    trim(r)
    changed(r)
    store(r, KEEP)
  end
  return settlement(r, false)
end
if recorded(a) then return settlement(r, false) end
if r.s == 'sending' and r.o == A.attempt then
  a[2], a[3] = NOW, 'n'
  if r.ev then
    evidence(r)
  elseif r.ea then
    r.co = 'ask_first'
    doubt(r, 'a late result must be asked about')
  else
    ready(r, A.after, A.reason)
  end
else
  late_not_sent(r, a)
end
return settlement(r, true)
