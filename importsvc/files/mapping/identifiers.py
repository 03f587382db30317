"""Reads the columns by which records are told apart: addresses, numbers of customers, names of companies.

A text in place of a missing value would be one record for all rows that have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from importsvc.files.mapping.cells import Unreadable
from importsvc.files.mapping.targets import Target
from importsvc.text.csv_cells import ERROR_VALUES

Tidy = Callable[[Sequence[Any]], Sequence[Any]]

# What is written for "no value".
_MISSING = frozenset({"-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", "N/A", "n/a", "N.A.", "n.a."})
_NOT_KEYS = _MISSING | ERROR_VALUES
# Programs for mail write ``Ada Lee <ada@acme.test>``, and links of sheets are ``mailto:ada@acme.test``.
_IN_BRACKETS = re.compile(r"[^<>]*<\s*(?:mailto:)?([^<>\s@]+@[^<>\s@]+)\s*>", re.IGNORECASE)
_LINK = re.compile(r"mailto:([^?\s]+)(?:\?.*)?", re.IGNORECASE)


def get_tidy(target: Target) -> Tidy | None:
    """A function that takes the values of rows, and returns what they mean; ``None`` if nothing is to be done."""
    if target.is_address:
        return _tidy_addresses
    return _tidy_keys if target.is_key else None


def _tidy_keys(values: Sequence[Any]) -> Sequence[Any]:
    # Most files have no such value, and are not looked at row by row.
    if _NOT_KEYS.isdisjoint(value for value in values if type(value) is str):
        return values
    return list(map(_tidy_key, values))


def _tidy_key(value: Any) -> Any:
    if type(value) is not str or value not in _NOT_KEYS:
        return value
    return None if value in _MISSING else Unreadable(value, f"is the error {value} of a workbook")


def _tidy_addresses(values: Sequence[Any]) -> Sequence[Any]:
    together = "\n".join([value for value in values if type(value) is str])
    if "<" not in together and ":" not in together:
        return values
    return [_tidy_address(value) if type(value) is str else value for value in values]


def _tidy_address(text: str) -> str:
    found = _IN_BRACKETS.fullmatch(text) or _LINK.fullmatch(text)
    return found[1] if found else text
