-- due: the ids that are due now, the longest due first. Reads only.
-- ARGV  1 {limit}
return redis.call('ZRANGEBYSCORE', DUE, '-inf', integer(NOW), 'LIMIT', 0, A.limit)
