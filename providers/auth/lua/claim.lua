-- Claims the renewal of an account's token, or answers with a newer token.
-- KEYS: 1 token (hash: fence, version, sealed)  2 lock (a fence, or "refused:CODE")
-- ARGV: 1 version that the caller has ("0": none)  2 how long the claim lasts, in milliseconds
-- Returns: {"busy"} | {"refused", code} | {"token", version, sealed} | {"claim", fence}
local lock = redis.call('GET', KEYS[2])
if lock then
  local code = string.match(lock, '^refused:(.*)$')
  if code then return {'refused', code} end
  return {'busy'}
end
local version, sealed = unpack(redis.call('HMGET', KEYS[1], 'version', 'sealed'))
if version and sealed and version ~= ARGV[1] then return {'token', version, sealed} end
-- A fence is an instant of Redis's clock, and above every earlier one: after a loss of all data none comes twice either.
local now = redis.call('TIME')
local fence = tonumber(now[1]) * 1000000 + tonumber(now[2])
local last = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
if fence <= last then fence = last + 1 end
local text = string.format('%.0f', fence)
redis.call('HSET', KEYS[1], 'fence', text)
redis.call('PERSIST', KEYS[1])
redis.call('SET', KEYS[2], text, 'PX', ARGV[2])
return {'claim', text}
