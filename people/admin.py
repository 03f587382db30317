"""The admin of people and their tokens, and of organizations, which are created with a person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from importsvc.admin_site.names import show_name
from importsvc.admin_site.records import RecordAdmin, RecordForm
from importsvc.admin_site.secrets import show_once
from organizations.models import Organization
from people.models import NO_SCOPE, ApiToken, Person, Scope
from people.services import create_organization, require_active

SCOPE_FIELDS = [f"can_{scope}" for scope in Scope]

TOKEN_LABELS = {"valid": "success", "expired": "warning", "revoked": "danger"}

# The package's own model of keys, which the service does not use.
admin.site.unregister(APIKey)


class PersonForm(RecordForm):
    """A form that checks that the person and its company belong to the same organization."""

    def clean(self) -> dict[str, Any] | None:
        """The values to write."""
        organization, company = self.cleaned_data.get("organization"), self.cleaned_data.get("company")
        if organization and company and company.organization_id != organization.pk:
            self.add_error("company", "This company belongs to another organization.")
        return super().clean()


@admin.register(Person)
class PersonAdmin(RecordAdmin):
    """Users and contacts of all organizations."""

    icon = "group"
    form = PersonForm
    list_display = [
        "shown_name",
        "shown_title",
        "shown_email",
        "shown_company",
        "shown_organization",
        "last_import",
        "shown_is_user",
        "id",
    ]
    empty_text = "Import some, add one here, or run the command create_organization."
    list_select_related = ["organization", "company"]
    list_filter = [
        "is_user",
        ("deactivated_at", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
        ("organization", AutocompleteSelectFilter),
    ]
    list_filter_submit = True
    search_fields = ["first_name", "last_name", "email", "external_id", "id__exact"]
    autocomplete_fields = ["organization"]
    raw_id_fields = ["company"]
    readonly_fields = ["created_at", "last_seen_at"]
    fieldsets = [
        (None, {"fields": ["organization", "company", "first_name", "last_name", "email", "external_id", "title"]}),
        ("Access", {"fields": ["is_user", "role_id", "deactivated_at", "archived_at"]}),
        ("History", {"fields": ["created_at", "invited_at", "joined_at", "last_seen_at"]}),
        (
            "More",
            {
                "fields": [
                    "tag_list",
                    "custom_fields",
                    "avatar_url",
                    "color_id",
                    "virtual",
                    "placeholder",
                    "autotracking",
                    "private_custom_reports_used",
                ]
            },
        ),
    ]

    @admin.display(description="name", ordering="first_name")
    def shown_name(self, person: Person) -> SafeString:
        """The name of the person."""
        return show_name(person)

    @admin.display(description="title", ordering="title")
    def shown_title(self, person: Person) -> SafeString:
        """What the person does in the company."""
        return show_name(person.title)

    @admin.display(description="e-mail", ordering="email")
    def shown_email(self, person: Person) -> SafeString:
        """The address of the person."""
        return show_name(person.email)

    @admin.display(description="company", ordering="company")
    def shown_company(self, person: Person) -> SafeString:
        """The name of the company."""
        return show_name(person.company)

    @admin.display(description="user", ordering="is_user")
    def shown_is_user(self, person: Person) -> str:
        """A word, because Django's icon for ``False`` looks like a failure."""
        return "yes" if person.is_user else "no"


class ApiTokenForm(RecordForm):
    """A form that only accepts people whose tokens are valid, and a scope at least."""

    def clean(self) -> dict[str, Any] | None:
        """The values to write. Of a new token the model checks the scopes."""
        values = super().clean() or {}
        if not self.is_new and not any(values.get(name, getattr(self.instance, name)) for name in SCOPE_FIELDS):
            self.add_error(None, NO_SCOPE)
        return values

    def clean_person(self) -> Person:
        person: Person = self.cleaned_data["person"]
        require_active(person)
        return person


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """A token is shown once, after its creation; later only its prefix is. Revoking cannot be undone."""

    form = ApiTokenForm
    list_display = ["prefix", "name", "shown_person", "shown_organization", "scopes", "created", "expiry_date", "state"]
    list_select_related = ["person", "organization"]
    list_filter = ["revoked", ("expiry_date", admin.EmptyFieldListFilter)]
    search_fields = ["prefix", "name", "person__first_name", "person__last_name", "person__email"]
    ordering = ["-created", "id"]
    fields = ["prefix", "name", "person", "created", "expiry_date", *SCOPE_FIELDS, "revoked"]
    raw_id_fields = ["person"]
    actions = ["revoke_selected"]

    @admin.display(description="person", ordering="person")
    def shown_person(self, token: ApiToken) -> SafeString:
        """The name of the person whose token it is."""
        return show_name(token.person)

    @display(description="state", label=TOKEN_LABELS)  # type: ignore[untyped-decorator]
    def state(self, token: ApiToken) -> str:
        """The state of the token itself; the state of its person is not considered."""
        return token.state

    @display(description="scopes")  # type: ignore[untyped-decorator]
    def scopes(self, token: ApiToken) -> str:
        """The names of the scopes."""
        return ", ".join(token.scopes)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """The fields of the form; a new token has no prefix and cannot be revoked."""
        return self.fields if obj else ["name", "person", "expiry_date", *SCOPE_FIELDS]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """The person of a token is fixed, and a revoked token cannot be changed."""
        if obj is None:
            return []
        return self.fields if obj.revoked else ["prefix", "person", "created"]

    @admin.action(permissions=["change"], description="Revoke selected tokens, for ever")
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke the selected tokens that are not revoked yet."""
        tokens = []
        for token in queryset.filter(revoked=False).order_by("id"):
            own = ApiToken.objects.filter(organization_id=token.organization_id, pk=token.pk, revoked=False)
            if own.update(revoked=True):
                tokens.append(token)
        for token in tokens:
            self.log_change(request, token, "Revoked.")
        count = f"{len(tokens)} token{'' if len(tokens) == 1 else 's'}"
        self.message_user(request, f"Revoked {count}.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Save the token and, if it is new, show it."""
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.organization_id = obj.person.organization_id
        token = ApiToken.objects.assign_key(obj)
        obj.save()
        _show_token(self, request, obj.person, token)


class NewOrganizationForm(forms.ModelForm):
    """The arguments of ``create_organization``."""

    email = forms.EmailField(max_length=254, label="First user's e-mail", widget=UnfoldAdminEmailInputWidget)
    first_name = forms.CharField(
        max_length=255,
        required=False,
        label="First user's first name",
        help_text="Blank: the address up to the @.",
        widget=UnfoldAdminTextInputWidget,
    )
    last_name = forms.CharField(
        max_length=255, required=False, label="First user's last name", widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Organization
        fields = ["name", "time_zone"]


@admin.register(Organization)
class OrganizationAdmin(RecordAdmin):
    """Creates an organization with its own company, its first user and a token, as the command does."""

    list_display = ["shown_name", "id", "time_zone", "default_currency", "created_at"]
    empty_text = "Add one here, or run the command create_organization."
    search_fields = ["name", "id__exact"]
    fields = ["name", "time_zone", "default_currency", "features", "created_at"]
    readonly_fields = ["created_at"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if not change:
            options["form"] = NewOrganizationForm
        return super().get_form(request, obj, change, **options)

    def get_fields(self, request: HttpRequest, obj: Organization | None = None) -> Any:
        return self.fields if obj else ["name", "time_zone", "email", "first_name", "last_name"]

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Save the organization; a new one with its company, first user and token."""
        if change:
            super().save_model(request, obj, form, change)
            return
        created = create_organization(**form.cleaned_data)
        # The admin uses the instance of the form afterwards.
        obj.pk = created.organization.pk
        _show_token(self, request, created.person, created.token)

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Never: an organization always has records, and Django's confirmation would list all of them."""
        return False


def _show_token(model_admin: ModelAdmin, request: HttpRequest, person: Person, token: str) -> None:
    show_once(model_admin, request, f"The API token of {person}", token, element="token")
