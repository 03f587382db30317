"""CSV cells that a spreadsheet program does not run as formulas."""

# Characters that start a formula in a spreadsheet program, or that it skips before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: str) -> str:
    """The cell, with a leading ``'`` if a spreadsheet program would run it as a formula.

    A cell that has such a ``'`` already gets another one, so that ``restore`` gives every cell back.
    """
    return f"'{cell}" if cell.lstrip("'").startswith(_DANGEROUS) else cell


def restore(cell: str) -> str:
    """The cell of which ``harmless`` has made this one."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_DANGEROUS) else cell
