-- POST one entity a request, going round a file of them; the summary is printed as one line of JSON.
-- BENCH_ENTITIES is that file, BENCH_PORTS are the ports of the processes: a thread of wrk each, as a Service spreads connections.
local entities, ports, turn, threads = {}, {}, 0, 0
for line in io.lines(os.getenv("BENCH_ENTITIES")) do entities[#entities + 1] = line end
for port in string.gmatch(os.getenv("BENCH_PORTS"), "%d+") do ports[#ports + 1] = port end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function setup(thread)
  threads = threads + 1
  thread.addr = wrk.lookup("127.0.0.1", ports[(threads - 1) % #ports + 1])[1]
  thread:set("number", threads)
end

function request()
  turn = turn + 1
  local entity = entities[(turn * 7919 + number * 31) % #entities + 1]
  return wrk.format(nil, nil, nil, '{"user_id": "' .. entity .. '"}')
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "micros": %d, "p50_us": %d, "p99_us": %d, "worst_us": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.connect + e.read + e.write + e.status + e.timeout))
end
