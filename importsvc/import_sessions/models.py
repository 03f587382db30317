"""Sessions of the import wizard for people without an account, opened by a link."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet
from people.author_key import AuthorForeignKey
from people.models import Person

LONGEST_LIFETIME = timedelta(hours=1)
LONGEST_URL = 2000


class ImportSession(models.Model):
    """What a link lets a person do in the wizard, and until when. Only a hash of the link's key is stored."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="import_sessions",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = AuthorForeignKey(
        Person,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The person whose token asked for the session.",
    )
    person = AuthorForeignKey(
        Person,
        on_delete=models.CASCADE,
        related_name="import_sessions",
        db_constraint=False,
        db_index=False,
        help_text="The person in whose name files and imports are created.",
    )
    prefix = models.CharField(max_length=8, help_text="The part of the key before its dot.")
    hashed_key = models.CharField(max_length=150)
    record_types = ArrayField(
        models.CharField(max_length=63), default=list, help_text="The types that may be imported; all if it is empty."
    )
    import_model_id = models.BigIntegerField(null=True, help_text="The mapping that is used; null to propose one.")
    may_revert = models.BooleanField(help_text="Whether imports may be undone.")
    return_url = models.CharField(max_length=LONGEST_URL, null=True, help_text="Where the wizard leads back to.")
    theme_color = models.CharField(max_length=7, null=True, help_text="#rrggbb, in lower case.")
    frame_origin = models.CharField(
        max_length=255, null=True, help_text="The origin whose pages embed the wizard; null if it is not embedded."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(
        null=True, editable=False, help_text="When the link was opened first; null if it never was."
    )

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # The order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="import_session_organization_id"),
            # What a link is found by.
            models.UniqueConstraint(fields=["organization", "prefix"], name="import_session_prefix"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at"), expires_at__lte=F("created_at") + Value(LONGEST_LIFETIME)),
                name="import_session_lifetime",
            ),
            models.CheckConstraint(
                condition=Q(theme_color=None) | Q(theme_color__regex="^#[0-9a-f]{6}$"), name="import_session_color"
            ),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="import_session_organization_exists",
            ),
            # A session, its creator and its person belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_session_creator_of_same_organization",
            ),
            ForeignKeyConstraint(
                fields=["organization", "person"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_session_person_of_same_organization",
            ),
        ]
        indexes = [
            # Both columns of each key, for its check when people are removed.
            models.Index(fields=["creator", "organization"], name="import_session_creator"),
            models.Index(fields=["person", "organization"], name="import_session_person"),
            # What prune looks for, in all organizations.
            models.Index(fields=["expires_at"], name="import_session_expires_at"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"
