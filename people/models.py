"""People: users and contacts of an organization; and their API tokens."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager

from companies.models import Company
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey
from people.author_key import AuthorForeignKey


class Person(models.Model):
    """A person: a user of the service (``is_user``) or a contact."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="people",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    company = TenantForeignKey(
        Company,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        db_constraint=False,
        db_index=False,
    )
    first_name = models.CharField(max_length=255)
    last_name = models.CharField(max_length=255, null=True, blank=True)
    email = models.EmailField(max_length=254, null=True, blank=True)
    title = models.CharField(max_length=255, null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    role_id = models.PositiveIntegerField(null=True, blank=True)
    invited_at = models.DateTimeField(null=True, blank=True)
    is_user = models.BooleanField(default=False)
    tag_list = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    avatar_url = models.URLField(max_length=2000, null=True, blank=True)
    virtual = models.BooleanField(default=False)
    custom_fields = models.JSONField(null=True, blank=True)
    autotracking = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    placeholder = models.BooleanField(default=False)
    color_id = models.PositiveIntegerField(null=True, blank=True)
    private_custom_reports_used = models.PositiveIntegerField(default=0)
    external_id = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="What another system calls the person; unique in the organization, upper and lower case differ.",
    )

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(condition=~models.Q(first_name=""), name="person_first_name_not_blank"),
            # PostgreSQL's lower() decides which addresses are equal: see docs/decisions/0002. The address comes first
            # for the same reason as in the index of company names.
            models.UniqueConstraint(
                Lower("email"),
                "organization",
                name="person_email_organization",
                violation_error_message="Email has already been taken",
            ),
            # Partial, so that records without an external id cost nothing.
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=models.Q(external_id__isnull=False),
                name="person_external_id_organization",
                violation_error_message="External id has already been taken",
            ),
            # The key that imports refer to by their creator, and the order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="person_organization_id"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="person_organization_exists",
            ),
            # A person and its company belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "company"],
                to="companies.Company",
                to_fields=["organization", "id"],
                name="person_company_of_same_organization",
            ),
        ]
        indexes = [
            # Both columns of the key: PostgreSQL then checks it by this index even without statistics, and not by one
            # that reads all people of the organization.
            models.Index(fields=["company", "organization"], name="person_company_organization"),
            # For organization_features in every response: partial indexes of the few people that are counted.
            models.Index(fields=["organization"], condition=models.Q(placeholder=True), name="person_placeholders"),
            models.Index(
                fields=["organization"],
                condition=models.Q(private_custom_reports_used__gt=0),
                include=["private_custom_reports_used"],
                name="person_private_reports",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.first_name, self.last_name]))

    @property
    def is_authenticated(self) -> bool:
        """Always true, for DRF's permissions: only authentication makes a person ``request.user``."""
        return True


class Author(models.Model):
    """A person that acts: has a token, or created an import, a file or a webhook.

    In PostgreSQL, the keys of these rows refer to the author. So the removal of a person is checked by one key: imports
    are reverted by removing many people, few of which are authors.
    """

    pk = models.CompositePrimaryKey("organization_id", "person_id")
    organization = models.ForeignKey(
        Organization, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # PostgreSQL removes the author with the person.
    person = TenantForeignKey(
        Person, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        constraints = [
            ForeignKeyConstraint(
                fields=["organization", "person"],
                to="people.Person",
                to_fields=["organization", "id"],
                name="author_of_person",
                cascades=True,
            ),
        ]

    def __str__(self) -> str:
        return f"Author {self.person_id}"


class ApiTokenManager(BaseAPIKeyManager):
    """Creates tokens with integer ids."""

    def assign_key(self, obj: AbstractAPIKey) -> str:
        """Set the prefix and the hash of a new token, and return the key. The library also sets the id to the hash."""
        key: str = super().assign_key(obj)
        obj.pk = None
        return key


NO_SCOPE = "A token needs a scope at least."


class Scope(models.TextChoices):
    """What a token may be used for."""

    READ = "read", "reading"
    IMPORT = "import", "creating, updating and running imports, and all other changes"
    REVERT = "revert", "reverting imports"


class ApiToken(AbstractAPIKey):
    """A token of a person for ``X-Auth-Token``. Only its hash and its unique prefix are stored."""

    # The library's primary key contains the hash, which would appear in URLs, logs and error messages.
    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="tokens",
        editable=False,  # set from the person
        db_constraint=False,
        db_index=False,
    )
    person = AuthorForeignKey(
        Person, on_delete=models.CASCADE, related_name="tokens", db_constraint=False, db_index=False
    )
    # The scopes. A program of an earlier version, which does not know them, inserts tokens that have all.
    can_read = models.BooleanField(default=True, db_default=True, help_text="For GET requests.")
    can_import = models.BooleanField(
        default=True, db_default=True, help_text="For creating, updating and running imports, and all other changes."
    )
    can_revert = models.BooleanField(default=True, db_default=True, help_text="For reverting imports.")

    objects: ClassVar[ApiTokenManager] = ApiTokenManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "API token"
        verbose_name_plural = "API tokens"
        constraints = [
            # A token and its person belong to the same organization. The key implies that the organization exists.
            ForeignKeyConstraint(
                fields=["organization", "person"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="token_person_of_same_organization",
            ),
            models.CheckConstraint(
                condition=models.Q(can_read=True) | models.Q(can_import=True) | models.Q(can_revert=True),
                name="token_has_scope",
                violation_error_message=NO_SCOPE,
            ),
        ]
        indexes = [
            models.Index(fields=["person", "organization"], name="token_person_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @property
    def scopes(self) -> list[Scope]:
        """The scopes that the token has, in the order of ``Scope``."""
        return [scope for scope in Scope if getattr(self, f"can_{scope}")]

    @property
    def state(self) -> str:
        """``valid``, ``expired`` or ``revoked``; the state of the token's person is not considered."""
        if self.revoked:
            return "revoked"
        return "expired" if self.has_expired else "valid"
