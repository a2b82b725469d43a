-- Purchases one by one, or BENCH_BATCH of them a request; each has an id of its own.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")
local batch = tonumber(os.getenv("BENCH_BATCH") or "1")
local number = 0

local function following()
  number = number + 1
  return purchase(number)
end

function request()
  local body
  if batch == 1 then
    body = following()
  else
    local many = {}
    for place = 1, batch do many[place] = following() end
    body = '{"events":[' .. table.concat(many, ",") .. "]}"
  end
  return wrk.format("POST", "/v1/events", headers, body)
end
