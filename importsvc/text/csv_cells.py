"""CSV cells that a spreadsheet program takes for the text that they are, and not for formulas or errors."""

import re

# Characters that start a formula in a spreadsheet program, or that it skips before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")

# The errors that every spreadsheet program has and the formats of workbooks hold. Excel writes its newer ones as
# ``ANY_ERROR`` there.
ERROR_VALUES = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
ANY_ERROR = "#VALUE!"

_NEWER_ERRORS = frozenset(
    {
        *("#BLOCKED!", "#BUSY!", "#CALC!", "#CONNECT!", "#EXTERNAL!", "#FIELD!", "#GETTING_DATA", "#PYTHON!"),
        *("#ERROR!", "#SPILL!", "#UNKNOWN!"),
    }
)
_NUMBERED_ERROR = re.compile(r"Err:[0-9]{3}")  # LibreOffice


def is_error_value(cell: str) -> bool:
    """Whether a spreadsheet program shows this in place of the value of a formula that has none."""
    return cell in ERROR_VALUES or cell in _NEWER_ERRORS or _NUMBERED_ERROR.fullmatch(cell) is not None


def harmless(cell: str) -> str:
    """The cell, with a leading ``'`` if a spreadsheet program would take it for a formula or an error.

    A cell that has such a ``'`` already gets another one, so that ``restore`` gives every cell back.
    """
    return f"'{cell}" if _is_dangerous(cell.lstrip("'")) else cell


def restore(cell: str) -> str:
    """The cell of which ``harmless`` has made this one."""
    return cell[1:] if cell.startswith("'") and _is_dangerous(cell.lstrip("'")) else cell


def _is_dangerous(cell: str) -> bool:
    return cell.startswith(_DANGEROUS) or is_error_value(cell)
