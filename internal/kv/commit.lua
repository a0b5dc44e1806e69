-- commit: writes what was decided from a record, unless the record moved on, the decision is too old, or a guard fails.
-- KEYS  1 the record; guards and writes name the others by their number
-- ARGV  1 the record as it was read, empty for none   2 the store's time at which it was read (ms; 0: any)
--       3 how many ms ago that may be   4 how many guards follow
--       a guard: command, key, argument (empty: none), and the two answers that are right (a missing value is empty);
--       the answer of INFO is the server's run id
--       a write: how many arguments follow its key, command, key, arguments; the argument of COPY is a key
-- Returns "done" with the result of INCR where one was written, "moved", "stale", or the number of the guard that failed
-- with what it found
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {'moved'} end
local read = tonumber(ARGV[2])
if read > 0 and math.abs(clock() - read) > tonumber(ARGV[3]) then return {'stale'} end
local i = 5
for n = 1, tonumber(ARGV[4]) do
  local key, argument, answer = KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2], nil
  if ARGV[i] == 'INFO' then answer = redis.call('INFO', 'server'):match('run_id:(%w+)')
  elseif argument == '' then answer = redis.call(ARGV[i], key)
  else answer = redis.call(ARGV[i], key, argument) end
  local text = answer and tostring(answer) or ''
  if text ~= ARGV[i + 3] and text ~= ARGV[i + 4] then return {'guard', n, text} end
  i = i + 5
end
-- A table for each call would cost more than the call: arguments go from ARGV as they stand there.
local call, last, count = redis.call, #ARGV, nil
while i <= last do
  local command, key, stop = ARGV[i + 1], KEYS[tonumber(ARGV[i + 2])], i + 2 + ARGV[i]
  if command == 'COPY' then
    call(command, key, KEYS[tonumber(ARGV[stop])])
  elseif command == 'INCR' then
    count = call(command, key)
  else
    call(command, key, unpack(ARGV, i + 3, stop))
  end
  i = stop + 1
end
return {'done', count}
