"""Reads metrics of an API process from /metrics."""

from urllib.request import urlopen

from benchmarks.machine import BenchError
from benchmarks.processes import HOST


def metric(port: int, name: str) -> float:
    """The value of a metric; `name` includes its labels in Prometheus' text format. Raises BenchError if it is missing."""
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    sample = next((line for line in lines if line.startswith(f"{name} ")), None)
    if sample is None:
        raise BenchError(f"/metrics has no {name}.")
    return float(sample.split()[-1])
