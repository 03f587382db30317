"""A program that reads one workbook from its standard input, and writes cells as JSON to its standard output.

It is a process of its own, with limits of memory and processor time, because a library of native code reads bytes here
that come from clients: what goes wrong ends this process only. It is started by its path in isolated mode, and imports
nothing of the project.

The argument is a JSON object: ``sheet`` (a name, or null for the first one that has rows), ``sample`` (whether only
some rows are written), ``memory`` (bytes), ``seconds`` (of the processor). The output is JSON, a value a line: the
sheets, then batches. A batch has ``rows``, each with its number and its cells, and ``typed``: the cells that JSON has
no type for. Each is the index of the row in the batch, the index of the cell, and ``date``, ``datetime``, ``time`` or
``fault``; the cell itself is text. If the workbook cannot be read, the last line is an object with ``error``.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

BATCH_ROWS = 500

# Rows of a sample: from the start, the middle and the end.
SAMPLE_HEAD, SAMPLE_PART = 1_000, 500

# From here on a number of Excel does not have all digits of an integer.
_LARGEST_INTEGER = 2**53


def main() -> int:
    """Run the program. Returns its exit status."""
    arguments = json.loads(sys.argv[1])
    for limit, value in (
        (resource.RLIMIT_AS, arguments["memory"]),
        (resource.RLIMIT_CPU, arguments["seconds"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    try:
        for value in read_workbook(arguments["sheet"], is_sample=arguments["sample"]):
            sys.stdout.write(json.dumps(value) + "\n")
    except BrokenPipeError:  # the reader has stopped
        return 1
    except MemoryError:
        _report("memory")
    except BaseException as error:
        # A panic of the library is a BaseException.
        _report("password" if type(error).__name__ == "PasswordError" else "damaged")
    return 0


def read_workbook(name: str | None, *, is_sample: bool) -> Iterator[Any]:
    """The sheets, then the batches of one of them."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum  # after the limits are set

    workbook = CalamineWorkbook.from_path("/dev/stdin")
    metadata = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    ends: dict[str, int] = {}
    chosen = None
    for sheet in sorted(metadata, key=lambda sheet: sheet.visible != SheetVisibleEnum.Visible):
        # A sample describes all sheets; otherwise one is loaded.
        if not is_sample and (chosen or name not in (None, sheet.name)):
            continue
        loaded = workbook.get_sheet_by_name(sheet.name)
        ends[sheet.name] = loaded.end[0] + 1 if loaded.end else 0
        if sheet.name == name or (name is None and chosen is None and loaded.end):
            chosen = loaded
    sheets = [[sheet.name, ends.get(sheet.name, 0)] for sheet in metadata]
    yield {"sheets": sheets, "sheet": chosen.name if chosen else None}
    if chosen and chosen.start:
        yield from _batch(_read_rows(chosen, _choose_rows(ends[chosen.name]) if is_sample else None))


def _choose_rows(end: int) -> set[int]:
    middle = end // 2
    return {
        *range(1, min(SAMPLE_HEAD, end) + 1),
        *range(middle, min(middle + SAMPLE_PART, end + 1)),
        *range(max(1, end - SAMPLE_PART), end + 1),
    }


def _read_rows(sheet: Any, wanted: set[int] | None) -> Iterator[tuple[int, list[Any]]]:
    """The rows from row 1 to the last one that has a value, with their numbers."""
    missing = [None] * sheet.start[1]
    for number, row in enumerate(sheet.iter_rows(), 1):
        if wanted is None or number in wanted:
            yield number, missing + row


def _batch(rows: Iterator[tuple[int, list[Any]]]) -> Iterator[dict[str, Any]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        typed = []
        for index, (_, cells) in enumerate(batch):
            while cells and cells[-1] in (None, ""):
                cells.pop()
            for at, cell in enumerate(cells):
                if type(cell) is str or cell is None:
                    continue
                if type(cell) is float and math.isfinite(cell):
                    # Excel has no integers: 1.0 is 1.
                    if cell.is_integer() and abs(cell) < _LARGEST_INTEGER:
                        cells[at] = int(cell)
                    continue
                cells[at], kind = _convert(cell)
                if kind:
                    typed.append((index, at, kind))
        yield {"rows": batch, "typed": typed}


def _convert(cell: Any) -> tuple[Any, str]:
    """A cell as a value of JSON, and its type if JSON has none."""
    match cell:
        case bool() | int():
            return cell, ""
        case float():
            return str(cell), "fault"
        case datetime():
            return cell.isoformat(), "datetime"
        case date():
            return cell.isoformat(), "date"
        case time():
            return cell.isoformat(), "time"
        case timedelta():
            seconds = round(cell.total_seconds())
            return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}", ""
    return str(cell), ""


def _report(error: str) -> None:
    sys.stdout.write(json.dumps({"error": error}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
