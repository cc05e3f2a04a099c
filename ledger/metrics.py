"""Metrics: what is counted, and how it is shown to Prometheus.

The hot path counts in a `Histogram`, which costs a fifth of a microsecond; prometheus_client's own takes locks and searches its
buckets one by one. A `Family` names a metric once: its text in `/metrics`, and its row in docs/metrics.md.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

#: Upper bounds in seconds: of requests and their parts, and of work in the background.
REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
WORK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Of commands in one transaction.
BATCH_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)

Labels = tuple[str, ...]


class Histogram:
    """Counts observations by upper bound. Of one thread, or under a lock of its owner."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Of each upper bound, as text: how many were not above it."""
        total, buckets = 0, []
        for bound, count in zip((*map(float, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            buckets.append((str(bound), float(total)))
        return buckets


@dataclass(frozen=True)
class Family:
    """A metric with its labels. `name` of a counter: without `_total`, which its samples have."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()

    @property
    def full_name(self) -> str:
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def of(self, value: float) -> Metric:
        """With one value, without labels."""
        return self.of_each({(): value})

    def of_each(self, values: Mapping[Labels, float]) -> Metric:
        """With a value for each combination of labels."""
        family = (CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily)(self.name, self.help, labels=self.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family

    def of_histograms(self, histograms: Mapping[Labels, Histogram]) -> Metric:
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for labels, histogram in histograms.items():
            family.add_metric(labels, histogram.cumulative(), histogram.sum)
        return family


def families(*modules: object) -> Iterable[Family]:
    """The families that these modules define, in their order."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, Family)]
