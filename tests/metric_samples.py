"""The samples of a `/metrics`, by name and labels."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

SECONDS = 60


class Samples:
    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    @classmethod
    def of(cls, url: str) -> "Samples":
        return cls(httpx.get(f"{url}/metrics", timeout=10).raise_for_status().text)

    @classmethod
    def once_served(cls, port: int) -> "Samples":
        """Of a process that is just being started."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return cls.of(f"http://127.0.0.1:{port}")
            except httpx.TransportError:
                assert time.monotonic() < deadline, f"no metrics at {port}"
                time.sleep(0.05)

    @property
    def names(self) -> set[str]:
        """As queries name them. Families that have no sample yet are there, too."""
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        return {f"{name}{end}" for name, family in self.families.items() for end in ends.get(family.type, [""])}

    def _samples(self) -> Iterator[Any]:
        for family in self.families.values():
            yield from family.samples

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels, among others."""
        return sum(float(one.value) for one in self._samples() if one.name == name and labels.items() <= one.labels.items())

    def labels(self, name: str, label: str) -> set[str]:
        return {one.labels[label] for one in self._samples() if one.name == name}
