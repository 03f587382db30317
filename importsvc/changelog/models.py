"""The change log: a change for each record that an import wrote.

Created records are most of what imports write. Their changes are stored chunk by chunk: that takes a
tenth of the space and half of the time, and the key to the import is checked once a chunk. Other changes are rows by
themselves.

A bottom app: it refers to organizations and imports by name, and imports no other app.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from importsvc.postgres.fields import OrderedJsonField
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint


class Action(models.TextChoices):
    """What an import did to a record."""

    CREATED = "created"
    UPDATED = "updated"


class Outcome(models.TextChoices):
    """The outcome of a change after a revert; docs/reverting.md defines the words."""

    REMOVED = "removed"
    RESTORED = "restored"
    KEPT = "kept"
    GONE = "gone"


# The same values as ``str``, for SQL, previews and counts.
CREATED: Final = str(Action.CREATED.value)
UPDATED: Final = str(Action.UPDATED.value)
KEPT: Final = str(Outcome.KEPT.value)
GONE: Final = str(Outcome.GONE.value)

# The ids of the changes of a chunk are a block of so many: a chunk has at most 2,000 rows.
BLOCK_SIZE: Final = 4_096

# The number of values up to which a condition has bounds for each.
SEPARATE_BOUNDS: Final = 100


class ChangeQuerySet(models.QuerySet["Change"]):
    """Changes, queried by import, organization and record."""

    def of_import(self, *, organization_id: int, import_id: int) -> ChangeQuerySet:
        """The changes of this import; none if it does not belong to the organization."""
        return self.filter(organization_id=organization_id, import_record_id=import_id)

    def of_records(self, record_ids: Collection[int]) -> ChangeQuerySet:
        """The changes of records with these ids, whatever their types. Only their chunks are unpacked."""
        return self.filter(is_of_records(record_ids))

    def of_rows(self, rows: Collection[int]) -> ChangeQuerySet:
        """The changes by these rows. Only their chunks are unpacked."""
        return self.filter(_within("first_row", "last_row", rows), row__in=rows)

    def with_ids(self, ids: Collection[int]) -> ChangeQuerySet:
        """The changes with these ids. Only their chunks are unpacked."""
        return self.filter(block__in={each // BLOCK_SIZE for each in ids}, id__in=ids)


def is_of_records(ids: Collection[int]) -> models.Q:
    """That a change is of one of these records. Only chunks that may have them are unpacked."""
    return _within("first_id", "last_id", ids) & models.Q(record_id__in=ids)


def _within(first: str, last: str, values: Collection[int]) -> models.Q:
    """That one of the values is within the bounds; of many values only whether the bounds are apart from all."""
    if not values:
        return models.Q(record_id__in=[])
    ends = [(min(values), max(values))] if len(values) > SEPARATE_BOUNDS else [(value, value) for value in values]
    return reduce(or_, (models.Q(**{f"{last}__gte": low, f"{first}__lte": high}) for low, high in ends))


class _ChangeFields(models.Model):
    """What a change has."""

    record_type = models.CharField(max_length=63, help_text="The importable's name: company, person…")
    record_id = models.BigIntegerField()
    row = models.PositiveIntegerField(help_text="Counted from 1 within its type.")
    action = models.CharField(max_length=16, choices=Action.choices)
    before = models.JSONField(null=True, blank=True, help_text="The values the row replaced; null for a new record.")
    after = models.JSONField(null=True, blank=True, help_text="The values the row gave, by column of the table.")
    outcome = models.CharField(
        max_length=8,
        choices=Outcome.choices,
        null=True,
        help_text="What the revert made of it; null if it removed or restored the record, or there was no revert.",
    )
    kept_fields = ArrayField(
        models.CharField(max_length=63), null=True, help_text="The columns that the revert did not restore."
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.action} {self.record_type} {self.record_id}"


class SingleChange(_ChangeFields):
    """A change that is a row by itself. Only the engine writes it; pruning deletes it.

    A revert does not change the values, and adds the outcome.
    """

    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the composite key below is stricter
        db_index=False,  # the unique constraint below starts with it
    )
    import_record = models.ForeignKey(
        "imports.Import",
        on_delete=models.PROTECT,
        related_name="+",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        db_table = "changelog_change"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "import_record", "record_id", "record_type"], name="change_record_once"
            ),
            # A change belongs to the organization of its import.
            ForeignKeyConstraint(
                fields=["organization", "import_record"],
                to="imports.Import",
                to_fields=["organization", "id"],
                name="change_of_import",
            ),
        ]


class CreatedChunk(models.Model):
    """The changes of the records that a chunk of rows created, as one row. Only the engine writes it.

    Each array has an item for each record. The ids of the changes are ``block * BLOCK_SIZE`` and those after it.
    """

    pk = models.CompositePrimaryKey("organization_id", "import_record_id", "block")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the composite key below is stricter
        db_index=False,  # the primary key starts with it
    )
    import_record = models.ForeignKey(
        "imports.Import",
        on_delete=models.PROTECT,
        related_name="+",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )
    block = models.BigIntegerField()
    record_type = models.CharField(max_length=63, help_text="The importable's name: company, person…")
    record_count = models.PositiveIntegerField()
    first_id = models.BigIntegerField(help_text="The smallest id of the records.")
    last_id = models.BigIntegerField(help_text="The largest id of the records.")
    record_ids = ArrayField(models.BigIntegerField(), help_text="In ascending order.")
    rows = ArrayField(models.PositiveIntegerField(), help_text="Counted from 1 within their type.")
    columns = ArrayField(models.CharField(max_length=63), help_text="The columns that occur in the values.")
    after = OrderedJsonField(help_text="The values that each row gave, by column of the table.")

    class Meta:
        constraints = [
            # A chunk belongs to the organization of its import.
            ForeignKeyConstraint(
                fields=["organization", "import_record"],
                to="imports.Import",
                to_fields=["organization", "id"],
                name="created_chunk_of_import",
            ),
        ]
        indexes = [
            # To find the chunk that has a record.
            models.Index(fields=["organization", "record_type", "last_id"], name="created_chunk_last_id"),
        ]

    def __str__(self) -> str:
        return f"{self.record_count} created {self.record_type}"


class Change(_ChangeFields):
    """What an import did to a record: each single change, and those of chunks. A view, to be read only."""

    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    import_record = models.ForeignKey(
        "imports.Import",
        on_delete=models.DO_NOTHING,
        related_name="changes",
        db_column="import_id",
        db_constraint=False,
    )
    is_chunked = models.BooleanField()
    # To restrict what is unpacked: bounds of the chunk. Of a single change, both are its own value.
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    first_row = models.PositiveIntegerField()
    last_row = models.PositiveIntegerField()
    block = models.BigIntegerField()

    objects = ChangeQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "changelog_anychange"

    def find_outcome(self, *, is_reverted: bool) -> str | None:
        """The outcome of a change whose import is reverted: ``removed`` and ``restored`` are not stored."""
        if self.outcome is not None or not is_reverted:
            return self.outcome
        return Outcome.REMOVED if self.action == Action.CREATED else Outcome.RESTORED
