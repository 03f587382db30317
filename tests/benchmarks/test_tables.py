"""What the benchmarks say of their figures."""

from __future__ import annotations

import pytest

from benchmarks.tables import (
    Figure,
    Row,
    Section,
    compare_difference,
    compare_limit,
    compare_ratio,
    compare_speed,
    format_section,
    megabytes,
    milliseconds,
    seconds,
    summarize,
)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (seconds([3.0, 1.0, 1.944]), "1.94 s"),
        (seconds([1.0, 2.0]), "1.50 s"),
        (milliseconds([0.0123]), "12.3 ms"),
        (megabytes([1_283_400_000]), "1,283 MB"),
    ],
)
def test_a_figure_is_the_median_with_its_unit(figure: Figure, text: str) -> None:
    assert str(figure) == text


TWO, THREE, THIRTY = Figure(2, "ms"), Figure(3, "ms"), Figure(30, "ms")


@pytest.mark.parametrize(
    ("row", "compared", "target", "reached"),
    [
        (compare_ratio("a", THREE, TWO, "b", at_most=1.5), "1.50 × b", "≤ 1.5 ×", True),
        (compare_ratio("a", THREE, TWO, "b", at_most=1), "1.50 × b", "≤ 1 ×", False),
        (compare_ratio("a", THREE, TWO, "b"), "1.50 × b", "", None),
        (compare_speed("a", TWO, THIRTY, "b", at_least=15), "15.0 × faster than b", "≥ 15 ×", True),
        (compare_speed("a", THREE, THIRTY, "b", at_least=15), "10.0 × faster than b", "≥ 15 ×", False),
        (compare_speed("a", THREE, THIRTY, "b"), "10.0 × faster than b", "", None),
        (compare_speed("a", Figure(0.1, "ms"), THIRTY, "b"), "300 × faster than b", "", None),
        (compare_difference("a", THREE, TWO, "b", at_most=0.5), "+1.00 ms over b", "≤ + 0.5 ms", False),
        (compare_difference("a", TWO, THREE, "b", at_most=0.5), "-1.00 ms over b", "≤ + 0.5 ms", True),
        (compare_limit("a", THREE, at_most=3), "", "≤ 3 ms", True),
        (compare_limit("a", THREE, at_most=2), "", "≤ 2 ms", False),
        (compare_limit("a", THREE, at_most=3, compared="1.50 × b"), "1.50 × b", "≤ 3 ms", True),
    ],
)
def test_a_comparison_says_whether_its_target_is_reached(
    row: Row, compared: str, target: str, reached: bool | None
) -> None:
    assert (row.compared, row.target, row.reached) == (compared, target, reached)


def test_a_table_is_markdown_that_shows_misses_plainly() -> None:
    copy, load = Figure(1, "s"), Figure(2, "s")
    section = Section("Import", [Row("COPY", copy), compare_ratio("import", load, copy, "COPY", at_most=1.5)], ["One."])

    assert format_section(section) == (
        "## Import\n"
        "\n"
        "One.\n"
        "\n"
        "| what   | median | compared with | target  | reached |\n"
        "|--------|--------|---------------|---------|---------|\n"
        "| COPY   | 1.00 s |               |         |         |\n"
        "| import | 2.00 s | 2.00 × COPY   | ≤ 1.5 × | **no**  |"
    )
    assert summarize([section]) == ("0 of 1 targets reached. Missed:\n\n- Import: import (2.00 × COPY, ≤ 1.5 ×)")
