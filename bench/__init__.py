"""Benchmarks that anybody can repeat with `make bench`: docs/performance.md describes them."""
