"""Staged rows on their way into the database and out of it: in parts if they are large."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import BigIntegerField, Func, OuterRef, Subquery, Sum, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Substr

from importsvc.imports.models import Import, StagedPart
from importsvc.postgres.copy import cell, copy_rows

# Characters that are kept with the import, sent as one parameter. Sending takes several times the memory of the
# parameter, and PostgreSQL longer to read it as part of a statement. More than what is ever shown of the rows.
BEGINNING = 1 << 20

# Characters of each part that follows.
PART = 1 << 16

# What is read at a time. PostgreSQL unpacks a beginning for each piece of it: they are few, and there is only one
# unless it was stored before there were parts.
READ_AT_ONCE = 8_000_000


def staged_size() -> CombinedExpression:
    """How many bytes are staged, as an expression: known without unpacking the text, as that of characters is not."""
    in_parts = (
        StagedPart.objects.filter(import_record=OuterRef("pk"))
        .values("import_record")
        .values(size=Sum(_octet_length("content")))
    )
    return _octet_length("import_data") + Coalesce(Subquery(in_parts, output_field=BigIntegerField()), 0)


def _octet_length(column: str) -> Func:
    return Func(column, function="octet_length", output_field=BigIntegerField())


def read_import_data(import_id: int) -> str:
    """The staged data of an import: as one statement sees it, so nobody can replace it meanwhile."""
    beginning = Import.objects.filter(pk=import_id).annotate(number=Value(-1)).values_list("number", "import_data")
    parts = StagedPart.objects.filter(import_record=import_id).values_list("number", "content")
    return "".join(content for _, content in beginning.union(parts, all=True).order_by("number"))


def read_parts(import_id: int) -> Iterator[str]:
    """The staged data of an import, about ``READ_AT_ONCE`` characters by another; never more of it is in memory.

    All parts are of one moment: the transaction that this begins, if there is none, lasts until the last one.
    """
    is_part = connection.in_atomic_block
    with transaction.atomic():
        if not is_part:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for start in itertools.count(1, READ_AT_ONCE):
            piece = Substr("import_data", start, READ_AT_ONCE)
            text: str = Import.objects.filter(pk=import_id).values_list(piece, flat=True).get()
            if text:
                yield text
            if len(text) < READ_AT_ONCE:
                break
        parts = StagedPart.objects.filter(import_record=import_id).order_by("number").values_list("content", flat=True)
        yield from parts.iterator(chunk_size=max(1, READ_AT_ONCE // PART))


def store_import_data(import_id: int, text: str) -> None:
    """Replace the staged data of an import. The caller owns the transaction, and has locked the import."""
    Import.objects.filter(pk=import_id).update(import_data=text[:BEGINNING])
    StagedPart.objects.filter(import_record=import_id).delete()
    parts = (text[start : start + PART] for start in range(BEGINNING, len(text), PART))
    if len(text) > BEGINNING:
        lines = (f"{import_id}\t{number}\t{cell(part)}\n" for number, part in enumerate(parts))
        copy_rows(StagedPart._meta.db_table, ["import_id", "number", "content"], lines)
