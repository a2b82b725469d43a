-- What every script shares: headers, and the figures as one line of JSON at the end.
headers = { ["Content-Type"] = "application/json" }
local key = os.getenv("BENCH_API_KEY")
if key then headers["Authorization"] = "Bearer " .. key end
-- Ids of one run are its own.
run = os.getenv("BENCH_RUN") or "0"
customers = tonumber(os.getenv("BENCH_CUSTOMERS") or "1000")
items = tonumber(os.getenv("BENCH_ITEMS") or "50")

function lists_path(customer)
  return "/v1/customers/c" .. customer .. "/recommendations"
end

function purchase(id)
  return string.format(
    '{"event_id":"b%s-%09d","type":"purchase","customer_id":"c%d","order_id":"b%s-%d",' ..
    '"currency":"EUR","lines":[{"item_id":"i%d","quantity":1,"unit_price":299}]}',
    run, id, id % customers, run, id, id % items)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,' ..
    '"failed":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
