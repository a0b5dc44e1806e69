-- clock: the store's time in milliseconds since 1970. Leases, settle times and due times use no other clock.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
