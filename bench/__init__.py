"""Benchmarks that anyone can repeat: `make bench`, told in docs/performance.md."""
