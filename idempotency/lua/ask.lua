-- ask: what is needed to ask the provider, and the version that the answer must carry.
-- Returns {{ask, s, v, now, pi, m, c, t, hd, po}, payload}
local r = load()
if not r then return {fail('unknown')} end
if r.s == 'sending' and NOW >= r.le then recover(r) end
local ask = r.s ~= 'queued' and r.s ~= 'sending' and r.s ~= 'blocked' and (r.s ~= 'ready' or opens(r) > 0)
return {reply({ask = ask, s = r.s, v = r.v, now = NOW, pi = r.pi, m = r.m, c = r.c, t = r.t, hd = r.hd, po = r.po or 0}),
  redis.call('GET', PAYLOAD) or ''}
