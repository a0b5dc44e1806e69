-- Ends a claim without a token.
-- KEYS: 1 lock
-- ARGV: 1 fence  2 code with which the credentials were refused, or ""  3 for how long nobody may try them, in milliseconds
-- Returns: 1 where the claim was still held, else 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' and tonumber(ARGV[3]) > 0 then
  redis.call('SET', KEYS[1], 'refused:' .. ARGV[2], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
