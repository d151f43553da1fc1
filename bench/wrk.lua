-- Once at the end, so that no request costs more for it: one line of JSON, times in microseconds.
done = function(summary, latency, requests)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format(
      '{"requests": %d, "duration": %d, "bytes": %d, "failed": %d, "p50": %d, "p99": %d}\n',
      summary.requests, summary.duration, summary.bytes, failed,
      latency:percentile(50), latency:percentile(99)))
end
