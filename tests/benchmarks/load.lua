-- wrk's side of the load: every document has a case number of its own, made of a stamp, the thread and a counter.
local head, tail = os.getenv("DOCUMENT_HEAD"), os.getenv("DOCUMENT_TAIL")
local threads, id, sent = 0, 0, 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
end

function request()
  sent = sent + 1
  return wrk.format(nil, nil, nil, head .. os.getenv("STAMP") .. "-" .. id .. "-" .. sent .. tail)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT %d %d %.3f %.3f %d\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.timeout))
end
