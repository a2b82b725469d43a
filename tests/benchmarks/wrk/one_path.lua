-- The same request again and again.
local folder = os.getenv("BENCH_SCRIPTS")
dofile(folder .. "/common.lua")

function request()
  return wrk.format("GET", nil, headers)
end
