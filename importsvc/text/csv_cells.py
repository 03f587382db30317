"""CSV cells that a spreadsheet program does not run as formulas."""

# Characters that start a formula in a spreadsheet program, or that it skips before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: str) -> str:
    """The cell, with a leading ``'`` if a spreadsheet program would run it as a formula."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell
