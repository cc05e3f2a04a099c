"""Measures speed and size: `python -m benchmarks` (`make bench`; `make bench QUICK=1`). No test asserts these figures."""
