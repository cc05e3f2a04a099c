"""What an API process says of itself at /metrics."""

from urllib.request import urlopen

from benchmarks.machine import BenchError
from benchmarks.processes import HOST


def metric(port: int, name: str) -> float:
    """`name` with its labels, as Prometheus' text format has it. Raises BenchError where there is none."""
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = next((line for line in lines if line.startswith(f"{name} ")), None)
    if found is None:
        raise BenchError(f"/metrics does not say {name}.")
    return float(found.split()[-1])
