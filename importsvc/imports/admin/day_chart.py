"""A chart with a bar for each day, which needs no script: the page has the heights, and the numbers as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from importsvc.imports.models import ImportState

# A day with anything at all can be seen, in per cent of the height of the chart.
_LEAST_HEIGHT = 2


@dataclass(frozen=True)
class Bar:
    """A day; ``parts`` are its states with their heights in per cent of the height of the chart, from top to bottom."""

    day: date
    text: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DayChart:
    """The bars of a chart, oldest first. Heights grow with the square root: one big day does not flatten the others.

    Attributes:
        bars: one for each day.
        highest: the number of the day with the highest bar; 0 if there is nothing to see.
        middle: the number at the second line, about a quarter of it; 0 if there is none.
        middle_top: the distance of that line from the top, in per cent of the height of the chart.
        states: those of the parts, for the legend.
    """

    bars: tuple[Bar, ...]
    highest: int
    middle: int
    middle_top: str
    states: tuple[str, ...]


def make_day_chart(numbers: Mapping[date, Mapping[ImportState, int]], states: Sequence[ImportState]) -> DayChart:
    """The chart of the numbers of each day, by state. States are stacked in their order, the first at the bottom."""
    highest = max((sum(of_day[state] for state in states) for of_day in numbers.values()), default=0)
    bars = tuple(
        _make_bar(day, [(state.value, of_day[state]) for state in states], highest) for day, of_day in numbers.items()
    )
    middle = highest // 4
    middle_top = f"{100 - 100 * math.sqrt(middle / highest):.2f}" if middle else "100"
    return DayChart(bars, highest, middle, middle_top, tuple(state.value for state in states))


def _make_bar(day: date, numbers: Sequence[tuple[str, int]], highest: int) -> Bar:
    total = sum(number for _, number in numbers)
    height = max(_LEAST_HEIGHT, 100 * math.sqrt(total / highest)) if total else 0
    parts = tuple((state, f"{height * number / total:.2f}") for state, number in reversed(numbers) if number)
    said = ", ".join(f"{number} {state}" for state, number in numbers if number) or "none"
    return Bar(day, f"{day.day} {day:%B}: {said}", parts)
