"""Guesses about text with separators: the separator, the quote, and the row of the header. Pure: no Django."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from math import ceil
from statistics import median

from importsvc.files.reading.delimited import SEPARATOR_LINE, is_of_error_file, make_dialect, restore_cells
from importsvc.files.reading.kinds import find_kind
from importsvc.files.reading.tables import CSV, Cell, ReadOptions, TableRow, is_blank

# Records that the separator is judged by.
JUDGED = 100

_CANDIDATES = (",", ";", "\t", "|", "^", "`")
_DATA_KINDS = {"integer", "number", "date", "email", "url", "phone"}


def guess_separator(sample: str, quote: str = '"') -> tuple[str, float]:
    """The separator of a text that starts with this sample, and the confidence; "" for a single column.

    The separator is the candidate that splits the most records into the same number of cells.
    """
    first = sample.partition("\n")[0]
    if named := SEPARATOR_LINE.fullmatch(first):
        return named[1], 1.0
    scores = sorted(((_score(sample, candidate, quote), candidate) for candidate in _CANDIDATES), reverse=True)
    best, separator = max(scores, key=lambda score: score[0])
    if not best:
        return "", 0.5 if any(candidate in sample for candidate in _CANDIDATES) else 0.9
    others = max(score for score, candidate in scores if candidate != separator)
    confidence = round(min(0.99, best + 0.5 * (best - others)), 2)
    if quote and f"{separator} {quote}" in sample and not re.search(f"{re.escape(separator)}{quote}", sample):
        separator += " "
    return separator, confidence


def guess_quote(sample: str) -> tuple[str, float]:
    """The quote of a text that starts with this sample, and the confidence."""
    if '"' in sample:
        return '"', 0.95
    lines = [line for line in sample.splitlines()[:JUDGED] if line]
    is_single = bool(lines) and all(re.fullmatch(r"'.*'", line) for line in lines)
    return ("'", 0.9) if is_single else ('"', 0.9)


def guess_header_row(rows: Sequence[TableRow]) -> tuple[int, float]:
    """The line of the header among the first rows of a file, and the confidence; 0 if there is none.

    Lines above the header, such as titles, have fewer cells than the rows below it. A header has names, not data.
    Of two rows of headers, the second one has the names of the columns.
    """
    filled = [(row, [at for at, cell in enumerate(row.cells) if not is_blank(cell)]) for row in rows]
    filled = [(row, positions) for row, positions in filled if positions]
    if not filled:
        return 0, 0.0
    if is_of_error_file(filled[0][0].cells):
        return filled[0][0].line, 1.0
    typical = ceil(0.6 * median(len(positions) for _, positions in filled))
    index = next(index for index, (_, positions) in enumerate(filled) if len(positions) >= typical)
    if _has_groups(filled[index:]):
        return filled[index + 1][0].line, 0.7
    header, positions = filled[index]
    below = [row.cells for row, _ in filled[index + 1 :]]
    kinds = {at: find_kind(header.cells[at]) for at in positions}
    if (
        any(kind in _DATA_KINDS and _has_kind(below, at, kind) for at, kind in kinds.items())
        or "email" in kinds.values()
    ):
        return 0, 0.8
    is_typed = any(_has_kind(below, at, kind) for at in positions for kind in _DATA_KINDS)
    return header.line, 0.95 if is_typed else 0.7


def _has_groups(filled: Sequence[tuple[TableRow, list[int]]]) -> bool:
    """Whether the first row names groups of columns, in merged cells, and the second one the columns.

    The second one then has all cells of the first one and more, and none is such data as most rows have below it.
    """
    if len(filled) <= 2 or not set(filled[0][1]) < set(filled[1][1]):
        return False
    (upper, _), (lower, positions) = filled[:2]
    below = [row.cells for row, _ in filled[2:]]
    return (
        lower.line == upper.line + 1
        and not any(find_kind(lower.cells[at]) in _DATA_KINDS for at in positions)
        and any(_has_kind(below, at, kind) for at in positions for kind in _DATA_KINDS)
    )


def parse_sample(sample: str, *, separator: str, quote: str, is_cut: bool) -> list[TableRow]:
    """The records of a part of a text, read leniently. If the part is cut, the last record is left out."""
    lines = io.StringIO(sample, newline="")
    first = 1
    if SEPARATOR_LINE.fullmatch(lines.readline()):
        first = 2
    else:
        lines.seek(0)
    reader = csv.reader(lines, **make_dialect(ReadOptions(format=CSV, separator=separator, quote=quote)))
    rows: list[TableRow] = []
    line = first
    is_error_file = False
    try:
        for cells in reader:
            is_error_file = is_error_file or (not rows and is_of_error_file(cells))
            rows.append(TableRow(line, restore_cells(cells) if is_error_file else cells))
            line = first + reader.line_num
    except csv.Error:  # a field that is too long; reading says where
        return rows
    return rows[:-1] if is_cut else rows


def _score(sample: str, separator: str, quote: str) -> float:
    """The share of records that have the most common number of cells, less for few cells; 0 for a single one."""
    if separator not in sample:
        return 0.0
    options = ReadOptions(format=CSV, separator=separator, quote=quote)
    widths: Counter[int] = Counter()
    reader = csv.reader(io.StringIO(sample, newline=""), **make_dialect(options))
    try:
        for cells in reader:
            if cells:
                widths[len(cells)] += 1
            if widths.total() == JUDGED:
                break
    except csv.Error:
        pass
    if not widths:
        return 0.0
    width, count = widths.most_common(1)[0]
    return count / widths.total() * (1 - 1 / width)


def _has_kind(rows: Sequence[Sequence[Cell]], at: int, kind: str) -> bool:
    """Whether most of the values of a column have this kind."""
    cells = [row[at] for row in rows[:JUDGED] if at < len(row) and not is_blank(row[at])]
    return bool(cells) and sum(find_kind(cell) == kind for cell in cells) > len(cells) / 2
