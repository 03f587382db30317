"""Number formats of Excel that show leading zeros, such as ``00000``. Pure: no Django, no database."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A digit or a literal. Other formats, with fractions, groups, percent, dates or exponents, do not match.
_PART = re.compile(r'0|#|\\(.)|"([^"]*)"|([ ()+/-])')
_COLOR = re.compile(r"\[[A-Za-z]+\d*\]")


@dataclass(frozen=True)
class PaddedFormat:
    """A number format that is whole numbers with leading zeros.

    Attributes:
        parts: ``0`` and ``#`` stand for digits; other text stands for itself, after a backslash.
    """

    parts: tuple[str, ...]

    def render(self, number: int) -> str:
        """The number as the workbook shows it."""
        digits = list(str(number))
        places = sum(part in ("0", "#") for part in self.parts)
        shown: list[str] = []
        for part in reversed(self.parts):
            if part not in ("0", "#"):
                shown.append(part[1:])
                continue
            places -= 1
            shown.append(digits.pop() if digits else "0" if part == "0" else "")
            if not places:  # the first place takes all the digits that are left
                shown.extend(reversed(digits))
                digits.clear()
        return "".join(reversed(shown))


def read_format(code: str) -> PaddedFormat | None:
    """The format of a code if it can show leading zeros: at least two ``0``, or a literal zero before the digits."""
    code = _COLOR.sub("", code.split(";")[0])
    parts: list[str] = []
    at = 0
    while at < len(code):
        match = _PART.match(code, at)
        if not match:
            return None
        literal = next((group for group in match.groups() if group is not None), None)
        parts.append(match[0] if literal is None else f"\\{literal}")
        at = match.end()
    has_places = "0" in parts or "#" in parts
    is_padded = parts.count("0") > 1 or parts[:1] == ["\\0"]
    return PaddedFormat(tuple(parts)) if has_places and is_padded else None
