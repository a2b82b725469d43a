-- The lists of one customer after the other.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")
local number = tonumber(os.getenv("BENCH_FIRST") or "0")

function request()
  number = number + 1
  return wrk.format("GET", lists_path(number % customers), headers)
end
