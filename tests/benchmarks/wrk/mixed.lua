-- Ninety-five lists to five purchases, of customers at random.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")
local number = 0
math.randomseed(7)

function request()
  number = number + 1
  if number % 20 == 0 then
    return wrk.format("POST", "/v1/events", headers, purchase(number))
  end
  return wrk.format("GET", lists_path(math.random(0, customers - 1)), headers)
end
