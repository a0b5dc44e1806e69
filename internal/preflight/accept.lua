-- Makes an identity an account's own, whatever was stored, and writes down who decided it.
-- KEYS[1]  remesa:{provider}:identity, a hash of account name to identity
-- KEYS[2]  remesa:{provider}:identity:history, a list of JSON entries, oldest first
-- ARGV[1]  account name
-- ARGV[2]  its identity
-- ARGV[3]  who
-- ARGV[4]  why
-- Returns  the identity that was stored before, or "" where there was none
for i, text in ipairs(ARGV) do
  if text == "" then return redis.error_reply("ERR empty argument " .. i) end
end
local before = redis.call("HGET", KEYS[1], ARGV[1]) or ""
local taken = {}
local all = redis.call("HGETALL", KEYS[1])
for i = 1, #all, 2 do
  if all[i + 1] == ARGV[2] and all[i] ~= ARGV[1] then taken[#taken + 1] = all[i] end
end
local time = redis.call("TIME")
local entry = {at = tonumber(time[1]), account = ARGV[1], before = before, after = ARGV[2], by = ARGV[3], note = ARGV[4]}
if #taken > 0 then
  entry.taken_from = taken
  redis.call("HDEL", KEYS[1], unpack(taken))
end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
redis.call("RPUSH", KEYS[2], cjson.encode(entry))
return before
