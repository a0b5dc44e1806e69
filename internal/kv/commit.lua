-- commit: writes what was decided from a record, unless the record moved on, the decision is too old, or a guard fails.
-- KEYS  1 the record; guards and writes name the others by their number
-- ARGV  1 the record as it was read, empty for none   2 the store's time at which it was read (ms; 0: any)
--       3 how many ms ago that may be   4 how many guards follow
--       a guard: command, key, argument (empty: none), and the two answers that are right (a missing value is empty)
--       a write: how many arguments follow its command, how many of those are keys, command, keys, arguments
-- Returns "done", "moved", "stale", or the number of the guard that failed with what it found
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {'moved'} end
local read = tonumber(ARGV[2])
if read > 0 and math.abs(clock() - read) > tonumber(ARGV[3]) then return {'stale'} end
local i = 5
for n = 1, tonumber(ARGV[4]) do
  local key, argument, answer = KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2], nil
  if argument == '' then answer = redis.call(ARGV[i], key) else answer = redis.call(ARGV[i], key, argument) end
  local text = answer and tostring(answer) or ''
  if text ~= ARGV[i + 3] and text ~= ARGV[i + 4] then return {'guard', n, text} end
  i = i + 5
end
while i <= #ARGV do
  local more, keys = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local call = {ARGV[i + 2]}
  for k = 1, more do call[k + 1] = ARGV[i + 2 + k] end
  for k = 1, keys do call[k + 1] = KEYS[tonumber(call[k + 1])] end
  redis.call(unpack(call))
  i = i + 3 + more
end
return {'done'}
