"""The results of a run: rows of a table, the samples behind them, remarks, and whether the figures are too noisy."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

#: (maximum - minimum) / median over the rounds. A larger spread means that the machine was busy with something else.
NOISY_SPREAD = 0.20
_HEADINGS = ("benchmark", "what", "value", "unit", "spread", "p50 ms", "p99 ms", "/ empty", "/ plain SQL", "goal")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. `spread`: over rounds, as a fraction; ratios are to peers in the same rounds; `goal`: its text."""

    benchmark: str
    what: str
    value: float
    unit: str
    spread: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    of_empty: float | None = None
    of_plain_sql: float | None = None
    goal: str = ""


@dataclass
class Results:
    """`samples`: everything measured, for the JSON. `incomplete`: what is missing for a full run. `wrong`: inconsistencies, which
    make all figures worthless."""

    facts: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def noisy(self) -> list[str]:
        """The rows with a larger spread than NOISY_SPREAD."""
        rows = (row for row in self.rows if row.spread is not None and row.spread > NOISY_SPREAD)
        return [f"{row.benchmark}, {row.what.strip()}: {row.spread:.0%}" for row in rows]

    def table(self) -> str:
        cells = [_HEADINGS, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
        lines = ["  ".join(_aligned(line, widths)).rstrip() for line in cells]
        return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])

    def notes(self) -> str:
        """The lines below the table."""
        lines = [
            *(f"WRONG: {violation}" for violation in self.wrong),
            *self.remarks,
            *(f"Incomplete: {reason}." for reason in self.incomplete),
        ]
        if self.noisy:
            lines.append(f"Noisy: the rounds differ by more than {NOISY_SPREAD:.0%} of their median ({'; '.join(self.noisy)}).")
        return "\n".join(lines)

    def json(self) -> str:
        return json.dumps({**asdict(self), "noisy": self.noisy}, indent=1, default=str) + "\n"

    def write(self, directory: Path) -> None:
        """RESULTS.md for people and RESULTS.json beside it for programs."""
        facts = "\n".join(f"- {name}: {_fact(value)}" for name, value in self.facts.items())
        text = f"# Results of the last full run\n\n{_HOW}\n{facts}\n\n```\n{self.table()}\n```\n\n{self.notes()}\n"
        (directory / "RESULTS.md").write_text(text)
        (directory / "RESULTS.json").write_text(self.json())


_HOW = """Written by `python -m benchmarks --write-results`; RESULTS.json beside it has all samples. Values are medians over
the rounds, spread is (most - least) / median of them, ratios are medians of each round's own ratio. p50 and p99 of load are wrk's,
corrected for coordinated omission: a stall counts for each request that it delayed. Where bookings are sent at a fixed rate, their
latency counts from their due time. A goal that is one ratio has a row of its own.
"""


def spread(values: Sequence[float]) -> float | None:
    """(maximum - minimum) / median; None for one round."""
    return (max(values) - min(values)) / median(values) if len(values) > 1 and median(values) else None


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile, which is a measured value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def goal(text: str, met: bool) -> str:
    return f"{text}: {'met' if met else 'MISSED'}"


def at_least(least: float, benchmark: str, what: str, ratios: Sequence[float]) -> Row:
    """A goal as a row of its own: the median of each round's ratio, because conditions of a round affect both values."""
    value = median(ratios)
    return Row(benchmark=benchmark, what=what, value=value, unit="ratio", goal=goal(f"at least {least}", value >= least))


def at_most(most: float, benchmark: str, what: str, ratios: Sequence[float]) -> Row:
    value = median(ratios)
    return Row(benchmark=benchmark, what=what, value=value, unit="ratio", goal=goal(f"at most {most}", value <= most))


def ratios(values: Iterable[float], others: Iterable[float]) -> list[float]:
    """The ratio of each round."""
    return [value / other for value, other in zip(values, others, strict=True)]


def _cells(row: Row) -> tuple[str, ...]:
    number = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.3g}"
    times = [_number(value, ",.1f") for value in (row.p50_ms, row.p99_ms)]
    ratios = [_number(value, ".2f") for value in (row.of_empty, row.of_plain_sql)]
    return (row.benchmark, row.what, number, row.unit, _number(row.spread, ".0%"), *times, *ratios, row.goal)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Text is aligned to the left, numbers to the right."""
    return [
        cell.ljust(width) if heading in ("benchmark", "what", "unit", "goal") else cell.rjust(width)
        for cell, width, heading in zip(line, widths, _HEADINGS, strict=True)
    ]


def _fact(value: Any) -> str:
    return ", ".join(f"{name} {item}" for name, item in value.items()) if isinstance(value, dict) else str(value)
