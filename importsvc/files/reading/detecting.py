"""Detects how a file is read, and what its columns hold. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from importsvc.files.reading import delimited, dialect, formats, kinds, sampling
from importsvc.files.reading.detection import DMY, MDY, YMD, Detection, Guess
from importsvc.files.reading.encodings import examine_text, find_encoding
from importsvc.files.reading.tables import CSV, FORMATS, FileRefused, ReadOptions, Source, is_blank

# Rows of each part of a text that columns are judged by.
SAMPLED_ROWS = 1_000

_NOTHING = Guess(None, 0.0, None)


def detect(source: Source, *, content_type: str | None = None, options: Mapping[str, Any] | None = None) -> Detection:
    """Detect how the file is read, and what its columns hold.

    The whole text is decoded; columns are judged by a sample from the beginning, the middle and the end.

    Args:
        content_type: as the caller declared it. It decides only between formats of text.
        options: what the caller says instead of a guess: fields of ``ReadOptions`` by their names.

    Raises:
        FileRefused: the file cannot be read, or an option is not possible.
    """
    said = check_options(options or {})
    found = formats.find_format(source, content_type=content_type)
    format_ = kinds.make_guess(found, said.get("format"))
    if format_.used == CSV:
        return _detect_delimited(source, format_, said)
    raise FileRefused("format_unknown", f"The format {format_.used} cannot be read yet.")


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
        "header_row": "header_row" in said and not _is_row(said["header_row"]) and "must be 0 or the number of a row",
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
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _detect_delimited(source: Source, format_: Guess, said: Mapping[str, Any]) -> Detection:
    text = examine_text(source, encoding=said.get("encoding"))
    encoding = kinds.make_guess((text.encoding, text.confidence), said.get("encoding"))
    head, is_cut = sampling.read_head(source, encoding.used)
    quote = kinds.make_guess(dialect.guess_quote(head), said.get("quote"))
    separator = kinds.make_guess(dialect.guess_separator(head, quote.used), said.get("separator"))
    rows = dialect.parse_sample(head, separator=separator.used, quote=quote.used, is_cut=is_cut)
    header_row = kinds.make_guess(dialect.guess_header_row(rows[: dialect.JUDGED]), said.get("header_row"))
    options = ReadOptions(CSV, encoding.used, separator.used, quote.used, header_row.used)
    with closing(delimited.DelimitedTable(source, options)) as table:
        headers = table.headers
    below = [row.cells for row in rows if row.line > header_row.used][:SAMPLED_ROWS]
    if is_cut:
        for part in sampling.read_parts(source, encoding.used):
            part_rows = dialect.parse_sample(part, separator=separator.used, quote=quote.used, is_cut=True)
            # A part may start within quotes; what is read then rarely has the width of the table.
            below += [row.cells for row in part_rows if len(row.cells) == len(headers)][:SAMPLED_ROWS]
    if not headers:
        raise FileRefused("empty_file", "The file has only blank lines.")
    below = [cells for cells in below if not all(map(is_blank, cells))]
    columns = kinds.describe_columns(headers, below)
    return Detection(
        format=format_,
        encoding=encoding,
        separator=separator,
        quote=quote,
        decimal_sign=kinds.make_guess(kinds.guess_decimal_sign(columns, below), said.get("decimal_sign")),
        date_order=kinds.make_guess(kinds.guess_date_order(columns), said.get("date_order")),
        header_row=header_row,
        sheet=_NOTHING,
        sheets=(),
        line_count=text.line_count,
        columns=columns,
        sampled_row_count=len(below),
    )
