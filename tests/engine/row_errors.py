"""Row errors as tests expect them: the code follows from the message, as the documentation has both."""

from __future__ import annotations

import re

from importsvc.engine.errors import RowError

# The end of a message, and its code.
CODES = {
    r"can't be blank": "blank",
    r"must be text": "not_text",
    r"is too long \(maximum is \d+ characters\)": "too_long",
    r"is not an email": "not_email",
    r"is not a currency code": "not_currency",
    r"must be a whole number": "not_whole_number",
    r"must be 0 or more": "negative",
    r"is too large \(maximum is 2147483647\)": "too_large",
    r"contains a number that is too large": "too_large",
    r"must be an amount": "not_amount",
    r"must have at most 12 digits before and 2 after the point": "too_precise",
    r"must be a list of text, or text with commas between": "not_tags",
    r"Row must be an object": "row_not_an_object",
    r"must be an object": "not_an_object",
    r"is nested too deep \(maximum is 20 levels\)": "nested_too_deep",
    r"names a member twice": "member_given_twice",
    r"contains a NUL character": "nul_character",
    r"contains half of a surrogate pair": "half_surrogate",
    r"is not a column of \w+": "unknown_column",
    r"is given more than once": "given_twice",
    r"has already been taken by row \d+": "repeated",
    r"has already been taken": "taken",
    r"is ambiguous": "ambiguous",
    r"must exist": "must_exist",
    r"is in row \d+, which has errors": "refers_to_error",
}


def row_error(row: int, column: str | None, message: str) -> RowError:
    """The error with this message, and the code and the other row that belong to it."""
    found = [(code, re.search(rf"{end}\Z", message)) for end, code in CODES.items()]
    code, match = next(each for each in found if each[1])
    number = re.search(r"\brow (\d+)", match.group() if match else "")
    return RowError(row, column, message, code, int(number.group(1)) if number else None)  # type: ignore[arg-type]
