"""What others notice of a flood: requests one after the other, on a thread of their own."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median, quantiles

PAUSE_SECONDS = 0.005


class Probe:
    """Seconds that each request of somebody else has taken."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @property
    def p50(self) -> float:
        return median(self.seconds)

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[-1]

    def __str__(self) -> str:
        p50, p99, slowest = (f"{1000 * seconds:.1f} ms" for seconds in (self.p50, self.p99, max(self.seconds)))
        return f"{len(self.seconds)} requests, p50 {p50}, p99 {p99}, slowest {slowest}"


@contextmanager
def probing(request: Callable[[], object]) -> Iterator[Probe]:
    """Sends this request during the block. Raises, at its end, what a request raised."""
    probe, has_ended = Probe(), threading.Event()

    def send_all() -> None:
        while not has_ended.is_set():
            began = time.perf_counter()
            request()
            probe.seconds.append(time.perf_counter() - began)
            time.sleep(PAUSE_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_all)
        try:
            yield probe
        finally:
            has_ended.set()
    sending.result()
