-- block: stops a payment before its first send.
-- ARGV  1 {code, message}
local r = load()
if not r then return fail('unknown') end
if r.s ~= 'queued' then return settlement(r, false) end
r.co, r.ms = A.code, A.message
move(r, 'blocked')
store(r, nil)
return settlement(r, true)
