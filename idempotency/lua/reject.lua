-- reject: the payload cannot be used.
-- ARGV  1 {code, message}
local r = load()
if not r then return fail('unknown') end
if r.s ~= 'queued' and r.s ~= 'ready' and r.s ~= 'in_doubt' and r.s ~= 'pending' then return settlement(r, false) end
r.co, r.ms, r.de = A.code, A.message, nil
if (r.s == 'queued' or r.s == 'ready') and nothing_known(r) then
  settle(r, 'failed')
else
  hold(r)
end
return settlement(r, true)
