"""Opens the table of a file. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from importsvc.files.reading.delimited import DelimitedTable
from importsvc.files.reading.tables import CSV, FileRefused, ReadOptions, Source, Table


@contextmanager
def open_table(source: Source, options: ReadOptions) -> Iterator[Table]:
    """Open the table that these options name, read its headers, and close it at the end.

    Raises:
        FileRefused: the file cannot be read with these options.
    """
    if options.format == CSV:
        table = DelimitedTable(source, options)
        try:
            yield table
        finally:
            table.close()
        return
    raise FileRefused("format_unknown", f"The format {options.format} is not known.")
