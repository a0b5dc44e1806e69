-- Stores a renewed token and ends the claim under which it was renewed, unless a later claim was granted.
-- KEYS: 1 token (hash: fence, version, sealed)  2 lock
-- ARGV: 1 fence  2 sealed token  3 how long to keep it, in milliseconds
-- Returns: 1 where it was stored, 0 where the claim was overtaken
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'sealed', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
