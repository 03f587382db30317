"""Staged rows on their way into the database and out of it: in parts if they are large."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import BigIntegerField, Func
from django.db.models.functions import Substr

from importsvc.engine.copying import cell, copy_rows
from importsvc.imports.models import Import

# Characters of a text that is sent as one parameter. Sending takes several times the memory of the parameter, and
# PostgreSQL longer to read it as part of a statement.
SENT_AT_ONCE = 1_000_000
PART = 16_384

# PostgreSQL unpacks a text from its beginning for each part: they are few.
READ_AT_ONCE = 8_000_000


def staged_size() -> Func:
    """How many bytes are staged, as an expression: known without unpacking the text, as that of characters is not."""
    return Func("import_data", function="octet_length", output_field=BigIntegerField())


def read_parts(import_id: int) -> Iterator[str]:
    """The staged data of an import, ``READ_AT_ONCE`` characters by another; never more of it is in memory.

    All parts are of one moment: the transaction that this begins, if there is none, lasts until the last one.
    """
    is_part = connection.in_atomic_block
    with transaction.atomic():
        if not is_part:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for start in itertools.count(1, READ_AT_ONCE):
            part = Substr("import_data", start, READ_AT_ONCE)
            text: str = Import.objects.filter(pk=import_id).values_list(part, flat=True).get()
            if text:
                yield text
            if len(text) < READ_AT_ONCE:
                return


def store_import_data(import_id: int, text: str) -> None:
    """Replace the staged data of an import. The caller owns the transaction, and has locked the import."""
    if len(text) <= SENT_AT_ONCE:
        Import.objects.filter(pk=import_id).update(import_data=text)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE staged_part (part int, content text) ON COMMIT DROP;"
            # It is compressed where it goes.
            " ALTER TABLE staged_part ALTER content SET STORAGE EXTERNAL"
        )
        parts = (text[start : start + PART] for start in range(0, len(text), PART))
        copy_rows("staged_part", ["part", "content"], (f"{part}\t{cell(each)}\n" for part, each in enumerate(parts)))
        cursor.execute(
            "UPDATE imports_import SET import_data = (SELECT string_agg(content, '' ORDER BY part) FROM staged_part)"
            " WHERE id = %s",
            [import_id],
        )
        cursor.execute("DROP TABLE staged_part")
