-- halt: stops or lets go on the new sends of an account (* for all), and keeps who did it among the newest thousand.
-- ARGV  1 {step = halt|unhalt, acc, by, note}
-- KEYS  10 the log of halts
local entry = stamp(NOW) .. ' ' .. A.step .. ' ' .. A.acc .. ' by ' .. A.by .. ': ' .. A.note
if A.step == 'halt' then
  redis.call('HSET', HALTED, A.acc, entry)
else
  redis.call('HDEL', HALTED, A.acc)
end
redis.call('LPUSH', KEYS[10], entry)
redis.call('LTRIM', KEYS[10], 0, 999)
return reply({s = A.step})
