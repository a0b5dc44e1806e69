-- Compares an account's identity with what is stored for its provider.
-- KEYS[1]  remesa:{provider}:identity, a hash of account name to identity
-- ARGV[1]  account name
-- ARGV[2]  its identity
-- ARGV[3]  "1": store the identity where the account has none yet
-- Returns  {"ok"} | {"differs", stored identity} | {"taken", name of the account that has this identity}
for i, name in ipairs({KEYS[1], ARGV[1], ARGV[2]}) do
  if name == "" then return redis.error_reply("ERR empty argument " .. i) end
end
local stored = redis.call("HGET", KEYS[1], ARGV[1])
if stored and stored ~= ARGV[2] then return {"differs", stored} end
local all = redis.call("HGETALL", KEYS[1])
for i = 1, #all, 2 do
  if all[i + 1] == ARGV[2] and all[i] ~= ARGV[1] then return {"taken", all[i]} end
end
if not stored and ARGV[3] == "1" then redis.call("HSET", KEYS[1], ARGV[1], ARGV[2]) end
return {"ok"}
