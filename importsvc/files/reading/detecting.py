"""Detects how a file is read, and what its columns hold. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from importsvc.files.reading import dialect, sampling
from importsvc.files.reading.archives import WorkbookLimits
from importsvc.files.reading.detection import DMY, MDY, YMD, DetectedSheet, Detection, Guess
from importsvc.files.reading.encodings import examine_text, find_encoding
from importsvc.files.reading.formats import find_format
from importsvc.files.reading.json_tables import count_items
from importsvc.files.reading.kinds import describe_columns, guess_date_order, guess_decimal_sign, make_guess
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import (
    CSV,
    FORMATS,
    JSON,
    WORKBOOKS,
    Cell,
    FileRefused,
    ReadOptions,
    Source,
    is_blank,
    name_columns,
    number_columns,
    refuse_header,
)
from importsvc.files.reading.workbooks import sample_workbook

# Rows of each part of a text that columns are judged by.
SAMPLED_ROWS = 1_000

# The header must be within the rows of a workbook that are sampled.
LAST_HEADER_ROW = 1_000

_NOTHING = Guess(None, 0.0, None)


def detect(
    source: Source,
    *,
    content_type: str | None = None,
    options: Mapping[str, Any] | None = None,
    limits: WorkbookLimits | None = None,
) -> Detection:
    """Detect how the file is read, and what its columns hold.

    All text is decoded; columns are judged by a sample from the beginning, the middle and the end.

    Args:
        content_type: as the caller declared it. It decides only between formats of text.
        options: what the caller says instead of a guess: fields of ``ReadOptions`` by their names.
        limits: what a workbook may need.

    Raises:
        FileRefused: the file cannot be read, or an option is not possible.
    """
    said = check_options(options or {})
    format_ = make_guess(find_format(source, content_type=content_type), said.get("format"))
    if format_.used in WORKBOOKS:
        sample = _sample_workbook(source, format_, said, limits)
    elif format_.used == CSV:
        sample = _sample_delimited(source, said)
    else:
        sample = _sample_json(source, format_, said)
    if not sample.headers:
        raise FileRefused("empty_file", "The file has no values.", sheet=sample.sheet.used)
    rows = [cells for cells in sample.rows if not all(map(is_blank, cells))]
    columns = describe_columns(sample.headers, rows)
    return Detection(
        format=format_,
        encoding=sample.encoding,
        separator=sample.separator,
        quote=sample.quote,
        decimal_sign=make_guess(guess_decimal_sign(columns, rows), said.get("decimal_sign")),
        date_order=make_guess(guess_date_order(columns), said.get("date_order")),
        header_row=sample.header_row,
        sheet=sample.sheet,
        sheets=sample.sheets,
        line_count=sample.line_count,
        columns=columns,
        sampled_row_count=len(rows),
    )


def check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that have a value, with the name of the encoding as in ``ENCODINGS``.

    Raises:
        FileRefused: an option is not possible (``option_invalid``, ``encoding_unknown``).
    """
    said = {name: value for name, value in options.items() if value is not None}
    problems = {
        "format": "format" in said and said["format"] not in FORMATS and f"must be one of {', '.join(FORMATS)}",
        "separator": "separator" in said and not _is_separator(said["separator"]) and "must be one character",
        "quote": "quote" in said and not _is_quote(said["quote"]) and "must be one character, or empty",
        "header_row": "header_row" in said
        and not _is_row(said["header_row"])
        and f"must be a number from 0 to {LAST_HEADER_ROW}",
        "decimal_sign": said.get("decimal_sign", ".") not in (".", ",") and "must be . or ,",
        "date_order": said.get("date_order", DMY) not in (DMY, MDY, YMD) and "must be dmy, mdy or ymd",
        "sheet": not isinstance(said.get("sheet", ""), str) and "must be the name of a sheet",
        "encoding": not isinstance(said.get("encoding", ""), str) and "must be the name of an encoding",
    }
    for name, problem in problems.items():
        if problem:
            raise FileRefused("option_invalid", f"The option {name} {problem}.")
    if "separator" in said and said["separator"][:1] == said.get("quote", '"'):
        raise FileRefused("option_invalid", "The separator and the quote must differ.")
    if "encoding" in said:
        said["encoding"] = find_encoding(said["encoding"])
    return said


def _is_separator(value: Any) -> bool:
    return isinstance(value, str) and (len(value) < 2 or value[1:] == " ") and value[:1] not in ("\r", "\n", "\x00")


def _is_quote(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 2 and value not in ("\r", "\n", "\x00", " ")


def _is_row(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_HEADER_ROW


@dataclass(frozen=True)
class _Sample:
    """Some rows of a file, and how they were read."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    header_row: Guess
    encoding: Guess = _NOTHING
    separator: Guess = _NOTHING
    quote: Guess = _NOTHING
    sheet: Guess = _NOTHING
    sheets: Sequence[DetectedSheet] = ()
    line_count: int | None = None


def _examine_encoding(source: Source, said: str | None) -> tuple[Guess, int]:
    """The encoding, and the number of lines."""
    if said is None:
        text = examine_text(source)
        return make_guess((text.encoding, text.confidence)), text.line_count
    line_count = examine_text(source, encoding=said).line_count
    try:
        text = examine_text(source)
    except FileRefused:
        return Guess(None, 0.0, said), line_count
    return make_guess((text.encoding, text.confidence), said), line_count


def _sample_delimited(source: Source, said: Mapping[str, Any]) -> _Sample:
    encoding, line_count = _examine_encoding(source, said.get("encoding"))
    head, is_cut = sampling.read_head(source, encoding.used)
    quote = make_guess(dialect.guess_quote(head), said.get("quote"))
    separator = make_guess(dialect.guess_separator(head, quote.used), said.get("separator"))
    rows = dialect.parse_sample(head, separator=separator.used, quote=quote.used, is_cut=is_cut)
    header_row = make_guess(dialect.guess_header_row(rows[: dialect.JUDGED]), said.get("header_row"))
    # Read as the import reads it, so that both have the same headers.
    with open_table(source, ReadOptions(CSV, encoding.used, separator.used, quote.used, header_row.used)) as table:
        headers = table.headers
    below: list[Sequence[Cell]] = [row.cells for row in rows if row.line > header_row.used][:SAMPLED_ROWS]
    if is_cut:
        middle, end = (
            dialect.parse_sample(part, separator=separator.used, quote=quote.used, is_cut=is_part_cut)
            for part, is_part_cut in zip(sampling.read_parts(source, encoding.used), (True, False), strict=True)
        )
        # A part may start within quotes; what is read then rarely has the width of the table.
        parts = middle[:SAMPLED_ROWS] + end[-SAMPLED_ROWS:]
        below += [row.cells for row in parts if len(row.cells) == len(headers)]
    return _Sample(headers, below, header_row, encoding, separator, quote, line_count=line_count)


def _sample_workbook(source: Source, format_: Guess, said: Mapping[str, Any], limits: WorkbookLimits | None) -> _Sample:
    sample = sample_workbook(source, format_=format_.used, sheet=said.get("sheet"), limits=limits)
    header_row = make_guess(dialect.guess_header_row(sample.rows[: dialect.JUDGED]), said.get("header_row"))
    below = [row for row in sample.rows if row.line > header_row.used]
    if header_row.used:
        header = next((row for row in sample.rows if row.line >= header_row.used), None)
        if header is None:
            raise refuse_header(header_row.used, sheet=sample.sheet)
        headers = name_columns(header.cells)
    else:
        headers = number_columns(next((len(row.cells) for row in below if row.cells), 0))
    has_many = sum(sheet.row_count > 0 for sheet in sample.sheets) > 1
    sheet = make_guess((sample.sheet, 0.6 if has_many else 1.0), said.get("sheet"))
    return _Sample(headers, [row.cells for row in below], header_row, sheet=sheet, sheets=sample.sheets)


def _sample_json(source: Source, format_: Guess, said: Mapping[str, Any]) -> _Sample:
    encoding, line_count = _examine_encoding(source, said.get("encoding"))
    counts = count_items(source, encoding.used) if format_.used == JSON else {}
    filled = [name for name, count in counts.items() if count]
    found = next(iter(filled or counts), None)
    sheet = make_guess((found, 0.6 if len(filled) > 1 else 1.0), said.get("sheet")) if counts else _NOTHING
    options = ReadOptions(format_.used, encoding=encoding.used, sheet=sheet.used)
    with open_table(source, options) as table:
        headers, below = table.headers, [row.cells for row in islice(table.rows(), SAMPLED_ROWS)]
    sheets = [DetectedSheet(name=name, row_count=count) for name, count in counts.items()]
    return _Sample(headers, below, Guess(0, 1.0, 0), encoding, sheet=sheet, sheets=sheets, line_count=line_count)
