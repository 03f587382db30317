"""CSV cells that a spreadsheet program takes for the text that they are, and not for formulas or errors."""

# Characters that start a formula in a spreadsheet program, or that it skips before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")

# What a spreadsheet program takes for the error of a formula.
ERROR_VALUES = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})


def harmless(cell: str) -> str:
    """The cell, with a leading ``'`` if a spreadsheet program would take it for a formula or an error.

    A cell that has such a ``'`` already gets another one, so that ``restore`` gives every cell back.
    """
    return f"'{cell}" if _is_dangerous(cell.lstrip("'")) else cell


def restore(cell: str) -> str:
    """The cell of which ``harmless`` has made this one."""
    return cell[1:] if cell.startswith("'") and _is_dangerous(cell.lstrip("'")) else cell


def _is_dangerous(cell: str) -> bool:
    return cell.startswith(_DANGEROUS) or cell in ERROR_VALUES
