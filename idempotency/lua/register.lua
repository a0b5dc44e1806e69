-- register: records a payment, or says that it is known already.
-- KEYS  10 the exclusive object's claim, 11 the permit (the record's own key where there is none)
-- ARGV  1 {t, f, m, c, nb, dl, md, sb, pe, ob, pm (1: the permit must hold our id), first (ms until the first wake-up
--       by the due index)}   2 payload
-- Returns {r = new|duplicate|conflict, s, g, c (what differs), x (the record's fingerprint)}
local r = load()
if r then
  if r.f == A.f then return reply({r = 'duplicate', s = r.s, g = r.g}) end
  local what = r.m ~= A.m and 'amount' or r.c ~= A.c and 'currency' or nil
  return reply({r = 'conflict', s = r.s, g = r.g, c = what, x = r.f})
end
if A.pm and redis.call('GET', KEYS[11]) ~= A.id then return reply({r = 'conflict', s = '', g = 0, c = 'permit'}) end
if A.ob then
  local holder = redis.call('GET', KEYS[10])
  if holder and holder ~= A.id then return reply({r = 'conflict', s = '', g = 0, c = 'object', x = holder}) end
  redis.call('SET', KEYS[10], A.id)
end
r = {s = 'queued', v = 0, g = 1, t = A.t, f = A.f, m = A.m, c = A.c, cr = NOW, up = NOW, nb = A.nb, dl = A.dl, md = A.md,
  sb = A.sb, pe = A.pe, ob = A.ob}
redis.call('SET', PAYLOAD, ARGV[2])
if A.pm then redis.call('DEL', KEYS[11]) end -- it is good for one record, also where that record is forgotten one day
move(r, 'queued')
store(r, math.max(NOW + A.first, A.nb or 0))
return reply({r = 'new', s = r.s, g = r.g})
