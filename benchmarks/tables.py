"""Figures as rows of Markdown tables, each with what it is compared with and whether it reaches its target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

HEADER = ("what", "median", "compared with", "target", "reached")


@dataclass(frozen=True)
class Figure:
    """The median of what was measured, in a unit: seconds (``s``), milliseconds (``ms``) or bytes in ``MB``."""

    value: float
    unit: str

    def __str__(self) -> str:
        """``1.94 s``, ``12.3 ms``, ``283 MB``: three digits that mean something."""
        decimals = 0 if abs(self.value) >= 100 else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{decimals}f} {self.unit}"


@dataclass(frozen=True)
class Row:
    """One line of a table. ``reached`` is ``None`` where there is no target."""

    what: str
    median: Figure
    compared: str = ""
    target: str = ""
    reached: bool | None = None


@dataclass
class Section:
    """A table with a title and, under it, what a reader must know about it."""

    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def seconds(samples: Sequence[float]) -> Figure:
    """The median of samples in seconds."""
    return Figure(statistics.median(samples), "s")


def milliseconds(samples: Sequence[float]) -> Figure:
    """The median of samples in seconds, in milliseconds."""
    return Figure(statistics.median(samples) * 1000, "ms")


def percentile(samples: Sequence[float]) -> Figure:
    """The 99th percentile of samples in seconds, in milliseconds."""
    return Figure(statistics.quantiles(samples, n=100)[98] * 1000, "ms")


def megabytes(samples: Sequence[int]) -> Figure:
    """The median of samples in bytes, in millions of bytes."""
    return Figure(statistics.median(samples) / 1e6, "MB")


def compare_ratio(what: str, median: Figure, baseline: Figure, name: str, *, at_most: float | None = None) -> Row:
    """A row that says how many times the baseline it is, and must be at most so many times, where there is a target."""
    ratio = median.value / baseline.value
    compared = f"{_ratio(ratio)} × {name}"
    if at_most is None:
        return Row(what, median, compared)
    return Row(what, median, compared, f"≤ {_number(at_most)} ×", ratio <= at_most)


def compare_speed(what: str, median: Figure, baseline: Figure, name: str, *, at_least: float | None = None) -> Row:
    """A row that says how many times faster than the baseline it is, and must be at least so many times, likewise."""
    ratio = baseline.value / median.value
    compared = f"{_ratio(ratio)} × faster than {name}"
    if at_least is None:
        return Row(what, median, compared)
    return Row(what, median, compared, f"≥ {_number(at_least)} ×", ratio >= at_least)


def compare_difference(what: str, median: Figure, baseline: Figure, name: str, *, at_most: float) -> Row:
    """A row that says how much more than the baseline it is, in its own unit, and must be at most so much more."""
    difference = Figure(median.value - baseline.value, median.unit)
    sign = "+" if difference.value >= 0 else ""
    target = f"≤ + {_number(at_most)} {median.unit}"
    return Row(what, median, f"{sign}{difference} over {name}", target, difference.value <= at_most)


def compare_limit(what: str, median: Figure, *, at_most: float, compared: str = "") -> Row:
    """A row of something that must be at most so much, in its own unit; ``compared`` is information only."""
    return Row(what, median, compared, f"≤ {_number(at_most)} {median.unit}", median.value <= at_most)


def format_section(section: Section) -> str:
    """The section in Markdown, with columns of one width, so that it can be read unrendered, too."""
    cells = [HEADER, *(_cells(row) for row in section.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [line for note in section.notes for line in ("", note)]
    return "\n".join([f"## {section.title}", *notes, "", *lines])


def summarize(sections: Sequence[Section]) -> str:
    """How many targets are reached, and which are not."""
    targets = [(section, row) for section in sections for row in section.rows if row.reached is not None]
    missed = [f"- {section.title}: {row.what} ({row.compared or row.median}, {row.target})" for section, row in targets
              if not row.reached]  # fmt: skip
    headline = f"{len(targets) - len(missed)} of {len(targets)} targets reached."
    return "\n".join([f"{headline} Missed:", "", *missed]) if missed else headline


def _cells(row: Row) -> tuple[str, ...]:
    reached = {None: "", True: "yes", False: "**no**"}[row.reached]
    return row.what, str(row.median), row.compared, row.target, reached


def _number(value: float) -> str:
    return f"{value:g}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
