-- Ninety-five lists to five purchases, of customers at random.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")
local number = 0
local pause = tonumber(os.getenv("BENCH_PAUSE_MS") or "0")
math.randomseed(7)

-- How long a connection rests between two requests, in whole ms.
function delay()
  return pause
end

function request()
  number = number + 1
  if number % 20 == 0 then
    return wrk.format("POST", "/v1/events", headers, purchase(number))
  end
  return wrk.format("GET", lists_path(math.random(0, customers - 1)), headers)
end
