"""The change log: one row for each record that an import wrote.

A bottom app: it refers to organizations and imports by name, and imports no other app.
"""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

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


class ChangeQuerySet(models.QuerySet["Change"]):
    """Changes, queried by import and organization."""

    def of_import(self, *, organization_id: int, import_id: int) -> ChangeQuerySet:
        """The changes of this import; none if it does not belong to the organization."""
        return self.filter(organization_id=organization_id, import_record_id=import_id)


class Change(models.Model):
    """What an import did to a record. Only the engine writes it; pruning deletes it.

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
        related_name="changes",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )
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

    objects = ChangeQuerySet.as_manager()

    class Meta:
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

    def __str__(self) -> str:
        return f"{self.action} {self.record_type} {self.record_id}"

    def find_outcome(self, *, is_reverted: bool) -> str | None:
        """The outcome of a change whose import is reverted: ``removed`` and ``restored`` are not stored."""
        if self.outcome is not None or not is_reverted:
            return self.outcome
        return Outcome.REMOVED if self.action == Action.CREATED else Outcome.RESTORED
