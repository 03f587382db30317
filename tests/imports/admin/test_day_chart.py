"""A chart of days keeps small days visible beside one big day, and has its numbers as text."""

from __future__ import annotations

from datetime import date

from importsvc.imports.admin.day_chart import Bar, DayChart, make_day_chart
from importsvc.imports.models import ImportState

STATES = (ImportState.PROCESSED, ImportState.REVERTED)
FIRST, SECOND, THIRD, LAST = (date(2024, 3, day) for day in (1, 2, 3, 4))


def numbers(processed: int, reverted: int = 0) -> dict[ImportState, int]:
    return {ImportState.PROCESSED: processed, ImportState.REVERTED: reverted, ImportState.CREATED: 7}


def test_heights_grow_with_the_square_root_of_the_number() -> None:
    days = {FIRST: numbers(10_000), SECOND: numbers(75, 25), THIRD: numbers(1), LAST: numbers(0)}

    assert make_day_chart(days, STATES) == DayChart(
        bars=(
            Bar(FIRST, "1 March: 10000 processed", (("processed", "100.00"),)),
            Bar(SECOND, "2 March: 75 processed, 25 reverted", (("reverted", "2.50"), ("processed", "7.50"))),
            # The least that can be seen.
            Bar(THIRD, "3 March: 1 processed", (("processed", "2.00"),)),
            Bar(LAST, "4 March: none", ()),
        ),
        highest=10_000,
        middle=2_500,
        middle_top="50.00",
        states=("processed", "reverted"),
    )


def test_days_without_anything_have_no_bars() -> None:
    chart = make_day_chart({FIRST: numbers(0), SECOND: numbers(0)}, STATES)

    assert (chart.highest, [bar.parts for bar in chart.bars]) == (0, [(), ()])
