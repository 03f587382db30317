"""Client input, made safe to display."""

import json


def printable(text: str, length: int = 100) -> str:
    """At most ``length`` characters of the text; characters that UTF-8 cannot encode, and NUL, are replaced."""
    shown = text if len(text) <= length else f"{text[:length]}…"
    return shown.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")


def describe_value(value: object) -> str:
    """A JSON value for display: a string without quotes, any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
