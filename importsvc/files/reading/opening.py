"""Opens the table of a file. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from importsvc.files.reading.archives import WorkbookLimits
from importsvc.files.reading.delimited import DelimitedTable
from importsvc.files.reading.json_tables import JsonTable
from importsvc.files.reading.tables import CSV, WORKBOOKS, ReadOptions, Source, Table
from importsvc.files.reading.workbooks import WorkbookTable


@contextmanager
def open_table(source: Source, options: ReadOptions, *, limits: WorkbookLimits | None = None) -> Iterator[Table]:
    """Open the table that these options name, read its headers, and close it at the end.

    Args:
        limits: what a workbook may need.

    Raises:
        FileRefused: the file cannot be read with these options.
    """
    table: DelimitedTable | JsonTable | WorkbookTable
    if options.format in WORKBOOKS:
        table = WorkbookTable(source, options, limits)
    else:
        table = DelimitedTable(source, options) if options.format == CSV else JsonTable(source, options)
    with closing(table):
        yield table
