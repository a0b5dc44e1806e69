-- commit: writes decisions, each whole or not at all. Commit.append packs them; ARGV has those from the 5th on, and before
-- them what is required of their epoch, the number of its key, and how old they may be. An error of one touches no other.
local call, values, KEYS, ARGV, epoch = redis.call, cmsgpack.unpack, KEYS, ARGV, tonumber(ARGV[3])
local now, text, run, results = nil, nil, nil, {}
local function found(command, key, argument, right)
  if command == 'HMGET' then
    local fields = call(command, key, argument, right)
    return fields[1] and argument or fields[2] and right
  elseif argument == '' then return call(command, key)
  elseif command ~= 'SUM' then return call(command, key, argument) end
  local sum, buckets = 0, call('HGETALL', key) -- exact up to 2^53; a bucket below zero counts as none
  for b = 1, #buckets, 2 do
    if buckets[b] + 0 < argument + 0 then call('HDEL', key, buckets[b]) else sum = sum + math.max(0, buckets[b + 1]) end
  end
  return sum > right + 0 and string.format('%.0f', sum) or right
end
local function decide(d)
  if type(d[1]) == 'table' then d = d[1] end
  if (call('GET', KEYS[d[1]]) or '') ~= d[2] then return 'moved' end
  if d[3] > 0 then now = now or clock() if math.abs(now - d[3]) > ARGV[4] + 0 then return 'stale' end end
  if d[4] % 2 == 1 then text = text or call('GET', KEYS[epoch]) end
  if d[4] > 1 then run = run or call('INFO', 'server'):match('run_id:(%w+)') end
  if d[4] % 2 == 1 and text ~= ARGV[1] or d[4] > 1 and run ~= ARGV[2] then return 'outdated' end
  local i, last, count = 6, #d, 0
  for n = 1, d[5] do
    local right, answer = d[i] ~= 'HMGET' and d[i + 3] or '', tostring(found(d[i], KEYS[d[i + 1]], d[i + 2], d[i + 3]) or '')
    if answer ~= right and answer ~= d[i + 4] then return {n, answer} end
    i = i + 5
  end
  while i <= last do -- arguments go from d as they stand there: a table for each call would cost more than the call
    local command, stop = d[i + 1], i + 2 + d[i]
    local result = call(command, KEYS[d[i + 2]], unpack(d, i + 3, stop))
    if command == 'INCR' then count = result elseif d[i + 2] == epoch then text = nil end
    i = stop + 1
  end
  return count
end
for n = 5, #ARGV do
  local ok, result = pcall(decide, {values(ARGV[n])})
  results[n - 4] = ok and result or {'error', type(result) == 'table' and result.err or tostring(result)}
end
return results
