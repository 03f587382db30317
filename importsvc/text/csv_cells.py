"""Cells of CSV files that spreadsheets open without running what is in them."""

# What spreadsheets take for the beginning of a formula, or skip before one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: str) -> str:
    """The cell, with ``'`` before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell
