"""Reads the values of targets from the columns of table rows, many rows at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from json.encoder import encode_basestring
from typing import Any

from importsvc.files.mapping.cells import Convert, JsonNumber, Unreadable, get_text, make_converter
from importsvc.files.mapping.document import ColumnMapping, Constant, Formats, Join, Separate, Split, StripPrefix
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.identifiers import get_tidy
from importsvc.files.mapping.targets import Kind, Target, find_target

Columns = Sequence[Sequence[Any]]
_STRINGS = {str}
_BLANK = (None, "")
# The formats of values that the mapping itself has.
_OF_JSON = Formats("ymd", ".")


class TargetColumn:
    """The values of one target.

    Attributes:
        target: what is filled.
        is_constant: whether all rows have the same value, which no cell of the file gives.
    """

    def __init__(
        self,
        target: Target,
        take: Callable[[Columns, int], Sequence[Any]],
        convert: Convert | None,
        *,
        is_constant: bool = False,
    ) -> None:
        """``take`` gives the cells of rows, and ``convert`` makes a value of a cell that is not blank.

        Without ``convert`` texts stay as they are, but for what ``get_tidy`` does.
        """
        self.target = target
        self.is_constant = is_constant
        self._tidy = None if is_constant or convert else get_tidy(target)
        self._take = take
        self._convert = convert

    def read(self, columns: Columns, row_count: int) -> Sequence[Any]:
        """The value of each row: of JSON, ``JsonNumber`` or ``Unreadable``; ``None`` or an empty text for none."""
        cells = self._take(columns, row_count)
        if set(map(type, cells)) == _STRINGS:
            cells = list(map(str.strip, cells))
            if self._convert is None:
                return self._tidy(cells) if self._tidy else cells
        convert = self._convert or get_text
        values = [None if cell in _BLANK else convert(cell) for cell in cells]
        return self._tidy(values) if self._tidy else values


def make_target_columns(mapped: ColumnMapping, headers: HeaderIndex, formats: Formats) -> Iterator[TargetColumn]:
    """The columns of the targets that a column of the mapping fills.

    Raises:
        KeyError: the file lacks a header, or a target is not registered; see ``find_problems``.
    """
    take = _make_take(mapped, headers)
    if not mapped.headers:
        formats = _OF_JSON
    split = next((step for step in mapped.steps if isinstance(step, Split)), None)
    for index, name in enumerate(mapped.targets):
        target = find_target(name)
        if target is None:
            raise KeyError(name)
        kind = target.kind if target.member is None else mapped.kind or target.kind
        taken = take if split is None else partial(_take_part, take, split, index)
        if mapped.values:
            convert: Convert | None = _ValueMapping(mapped.values, kind, formats, target)
        else:
            convert = _make_converter(kind, formats, target)
        for step in mapped.steps:
            if isinstance(step, Separate):
                convert = _ListConverter(step.by, convert or get_text)
        yield TargetColumn(target, taken, convert, is_constant=not mapped.headers)


def encode_values(values: Sequence[Any]) -> list[str]:
    """The JSON of each value; an empty text for ``None`` and for an empty text."""
    if set(map(type, values)) == _STRINGS:
        encoded = list(map(encode_basestring, values))
        return encoded if all(values) else [text if value else "" for text, value in zip(encoded, values, strict=True)]
    return ["" if value in _BLANK else encode_value(value) for value in values]


def encode_value(value: Any) -> str:
    """The JSON of a value, as it is staged."""
    if isinstance(value, Unreadable):
        return json.dumps({"$unreadable": value.text, "because": value.because}, ensure_ascii=False)
    if isinstance(value, JsonNumber):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:  # a number such as 1e999 in a list or an object of a JSON file
        return encode_value(Unreadable(json.dumps(value), "has a number that is not finite"))


class _ValueMapping:
    """Takes mapped values in place of those of the file, and converts the others."""

    def __init__(self, values: Mapping[str, Any], kind: Kind, formats: Formats, target: Target) -> None:
        self._values = {name.strip().casefold(): value for name, value in values.items()}
        self._convert = _make_converter(kind, formats, target) or get_text
        self._tidy = get_tidy(target)
        self._convert_own = _make_converter(kind, _OF_JSON, target) or get_text

    def __call__(self, cell: Any) -> Any:
        text = get_text(cell)
        if isinstance(text, str):
            key = text.casefold()
            if key in self._values:
                value = self._values[key]
                return None if value in _BLANK else self._convert_own(value)
        value = self._convert(cell)
        return self._tidy([value])[0] if self._tidy else value


class _ListConverter:
    """Makes lists of texts, and converts each text of a list. Cells that are no text stay as they are."""

    def __init__(self, separator: str, convert: Convert) -> None:
        self._separator = separator.strip()
        self._convert = convert

    def __call__(self, cell: Any) -> Any:
        text = get_text(cell)
        if not isinstance(text, str):
            return text
        items = [self._convert(item) for item in map(str.strip, text.split(self._separator)) if item]
        return [item for item in items if item not in _BLANK] or None


def _make_converter(kind: Kind, formats: Formats, target: Target) -> Convert | None:
    if kind in ("text", "tags"):
        return None
    return make_converter(kind, formats, is_member=target.member is not None)


def _make_take(mapped: ColumnMapping, headers: HeaderIndex) -> Callable[[Columns, int], Sequence[Any]]:
    """A function from the columns of rows to the cells that the steps make of them, but for a split."""
    positions = [_find(headers, header) for header in mapped.headers]
    first = mapped.steps[0] if mapped.steps else None
    if isinstance(first, Constant):
        value = first.value
        return lambda columns, row_count: [value] * row_count
    if isinstance(first, Join):
        separator = first.separator
        take: Callable[[Columns, int], Sequence[Any]] = lambda columns, row_count: [  # noqa: E731
            _join(separator, cells) for cells in zip(*(columns[position] for position in positions), strict=True)
        ]
    else:
        (position,) = positions
        take = lambda columns, row_count: columns[position]  # noqa: E731
    for step in mapped.steps:
        if isinstance(step, StripPrefix):
            take = partial(_take_stripped, take, step.prefix)
    return take


def _find(headers: HeaderIndex, header: str) -> int:
    position = headers.find(header)
    if position is None:
        raise KeyError(header)
    return position


def _take_stripped(
    take: Callable[[Columns, int], Sequence[Any]], prefix: str, columns: Columns, row_count: int
) -> list[Any]:
    texts = map(get_text, take(columns, row_count))
    return [text.removeprefix(prefix) if isinstance(text, str) else text for text in texts]


def _take_part(
    take: Callable[[Columns, int], Sequence[Any]], split: Split, index: int, columns: Columns, row_count: int
) -> list[Any]:
    parts = []
    for text in map(get_text, take(columns, row_count)):
        if not isinstance(text, str):
            parts.append(text if index == 0 else None)
            continue
        words = text.split(maxsplit=1) if split.at == "first_space" else text.rsplit(maxsplit=1)
        parts.append(words[index] if index < len(words) else None)
    return parts


def _join(separator: str, cells: Sequence[Any]) -> Any:
    """The cells that are not blank as one text; a cell that cannot be read takes the place of all."""
    texts = [text for text in map(get_text, cells) if text is not None]
    unreadable = next((text for text in texts if not isinstance(text, str)), None)
    return separator.join(texts) if unreadable is None else unreadable
