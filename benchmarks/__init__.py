"""Speed and size, measured, never asserted in a test: `python -m benchmarks` (`make bench`; `make bench QUICK=1`)."""
