"""Text of clients, made fit to be shown to them again."""

import json


def printable(text: str) -> str:
    """The text, safe to send back in a JSON document: what cannot be encoded is replaced, and the end is cut."""
    shown = text if len(text) <= 100 else f"{text[:100]}…"
    return shown.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")


def describe_value(value: object) -> str:
    """A value of JSON in words: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
