-- note: keeps what the provider gave before the next step; with moves that step can move money and the attempt is open from here on.
-- Refused too where another attempt's success is known by now: a second one must not be sent.
-- ARGV  1 {attempt, handles, moves}
local r = load()
if not r then return fail('unknown') end
local a = attempt_of(r, A.attempt)
if not a or r.s ~= 'sending' or r.o ~= A.attempt or NOW >= r.le or r.ev then return fail('owner') end
for k, v in pairs(A.handles or {}) do
  r.hd = r.hd or {}
  r.hd[k] = v
end
if A.moves then a[3] = 'o' end
changed(r)
store(r, KEEP)
return settlement(r, true)
