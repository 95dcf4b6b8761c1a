-- Each connection asks a hundred times a second or so: a busy service, but not a machine that is full.
function delay()
    return math.random(6, 14)
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format('{"answered": %d, "failed": %d, "p50": %.3f, "p99": %.3f}\n', summary.requests, failed,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
