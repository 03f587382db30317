"""The text of rows in JSON: decoded, and split into rows and cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from importsvc.text.json_stream import JsonError, skip_space
from importsvc.text.strict_json import PLAIN_DECODER, STRICT_DECODER, TOO_DEEP

_BETWEEN_OBJECTS = ("},{", "}, {")
# A member that has neither escapes nor brackets, up to the start of the next one or the end of the object.
_PLAIN_MEMBER = re.compile(r'"([^"\\]*)"[ \t\n\r]*:[ \t\n\r]*("[^"\\]*"|[^\s"\[\]{},]+)[ \t\n\r]*(?:(,)[ \t\n\r]*|})')


def decode_rows(text: str) -> list[Any]:
    """Decode the items of an array from its text without the brackets; objects are as ``read_json`` returns them.

    Raises:
        ValueError: the text is not JSON, or nested too deep (``JsonError``). That limit depends on the call stack: a
            text that was decoded before may be refused.
    """
    array = f"[{text}]"
    try:
        items: list[Any] = PLAIN_DECODER.decode(array)
        # Each member has a colon. If there are as many colons as members, the decoder dropped no repeated member.
        if set(map(type, items)) <= {dict} and text.count(":") == sum(map(len, items)):
            return items
        strict: list[Any] = STRICT_DECODER.decode(array)
    except RecursionError:
        raise JsonError(TOO_DEEP) from None
    return strict


def split_items(text: str, count: int | None = None) -> list[str]:
    """The texts of an array's items, from its text without the brackets. The text has been decoded before.

    With their ``count``, items that are all objects without braces in them are split without decoding them.

    Raises:
        JsonError: an item is nested too deep. That limit depends on the call stack.
    """
    members = None if count is None else _split_flat_objects(text, count)
    return _split_any_items(text) if members is None else [f"{{{each}}}" for each in members]


def pick_items(text: str, count: int, indexes: Iterable[int]) -> list[str]:
    """The texts of some of an array's items. The rest is as for ``split_items``."""
    members = _split_flat_objects(text, count)
    if members is not None:
        return [f"{{{members[index]}}}" for index in indexes]
    items = _split_any_items(text)
    return [items[index] for index in indexes]


def _split_flat_objects(text: str, count: int) -> list[str] | None:
    """The items without their braces if all are objects, no brace opens in them, and what is between them is the same.

    Otherwise ``None``.

    As many braces open as there are items: one at the start, and one in what is between two of them, behind a brace
    that closes. An object that followed an item of another kind would not be behind such a brace, and the text would
    not end with one if only items of another kind followed. So all items are objects, and each brace opens one.
    """
    if text.count("{") != count or (text[:1], text[-1:]) != ("{", "}"):
        return None
    for between in _BETWEEN_OBJECTS:
        items = text[1:-1].split(between)
        if len(items) == count:
            return items
    return None


def _split_any_items(text: str) -> list[str]:
    items = []
    at = skip_space(text, 0)
    try:
        while at < len(text):
            _, end = PLAIN_DECODER.raw_decode(text, at)
            items.append(text[at:end])
            at = skip_space(text, skip_space(text, end) + 1)
    except RecursionError:
        raise JsonError(TOO_DEEP) from None
    return items


def split_members(text: str) -> list[tuple[str, str]]:
    """The name and the text of the value of each member of an object, from its text, which has been decoded before."""
    members = []
    at = skip_space(text, text.index("{") + 1)
    while text[at] != "}":
        if plain := _PLAIN_MEMBER.match(text, at):
            members.append((plain[1], plain[2]))
            at = plain.end()
            if plain[3] == ",":
                continue
            break
        name, end = PLAIN_DECODER.raw_decode(text, at)
        start = skip_space(text, skip_space(text, end) + 1)
        _, end = PLAIN_DECODER.raw_decode(text, start)
        members.append((name, text[start:end]))
        at = skip_space(text, end)
        if text[at] == ",":
            at = skip_space(text, at + 1)
    return members
