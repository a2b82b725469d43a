-- A list of ten for one customer after the other, as the peer wishes to be asked.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")
local number = 0

function request()
  number = number + 1
  local body = string.format('{"user":"c%d","n_rec":10}', number % customers)
  return wrk.format("POST", "/knn/recommend", headers, body)
end
