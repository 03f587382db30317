"""The library that imports are compared with: django-import-export as fast as it goes, with and without validation.

In process, on the product's models and tables. Both resources write in bulk, make no diff, ask the database for no
instance, and look companies up in a dictionary; all is one transaction. The clock runs from rows that are in tablib's
data sets already to the commit: no HTTP, no JSON, no change log.
"""

from __future__ import annotations

import time
from typing import Any

import tablib
from django.db import transaction
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import Widget

from benchmarks.database import settle
from benchmarks.rows import ImportData
from companies.models import Company
from organizations.models import Organization
from people.models import Person

# As large as makes no difference any more to how long Django takes.
BATCH_SIZE = 1_000


class _FastOptions:
    use_bulk = True
    batch_size = BATCH_SIZE
    use_transactions = True
    skip_diff = True
    skip_html_diff = True
    skip_unchanged = False
    force_init_instance = True
    import_id_fields: tuple[str, ...] = ()


class _OrganizationResource(ModelResource):
    def __init__(self, organization: Organization) -> None:
        super().__init__()
        self.organization_id = organization.pk

    def init_instance(self, row: Any = None) -> Any:
        """A new instance of the organization."""
        return self._meta.model(organization_id=self.organization_id)


class _CompanyId(Widget):
    """The id of a company that is known by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[str, int] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        """The id."""
        return self.ids[value]


class CompanyResource(_OrganizationResource):
    """Companies, not validated."""

    class Meta(_FastOptions):
        model = Company
        fields = ("name",)


class PersonResource(_OrganizationResource):
    """People, not validated."""

    company_id = Field(attribute="company_id", column_name="Company", widget=_CompanyId())
    first_name = Field(attribute="first_name", column_name="First Name")
    last_name = Field(attribute="last_name", column_name="Last Name")
    email = Field(attribute="email", column_name="Email")
    title = Field(attribute="title", column_name="Title")

    class Meta(_FastOptions):
        model = Person
        fields = ("company_id", "first_name", "last_name", "email", "title")


class ValidatedCompanyResource(CompanyResource):
    """Companies, validated in the library's own way."""

    class Meta(CompanyResource.Meta):
        clean_model_instances = True


class ValidatedPersonResource(PersonResource):
    """People, validated in the library's own way."""

    class Meta(PersonResource.Meta):
        clean_model_instances = True


def time_import(rows: ImportData, organization: Organization, *, validated: bool) -> float:
    """Seconds that the library takes for these rows; they are in the tables then."""
    company_rows, person_rows = _make_dataset(rows["company"]), _make_dataset(rows["person"])
    settle()
    started = time.perf_counter()
    _import_all(company_rows, person_rows, organization, validated=validated)
    return time.perf_counter() - started


def time_file_import(content: bytes, format_: str, organization: Organization) -> float:
    """Seconds that the library takes for a file of people with their companies; nothing is validated.

    Args:
        content: the file, in UTF-8 if it is text.
        format_: as tablib names it.
        organization: that gets the records.
    """
    settle()
    started = time.perf_counter()
    people = tablib.Dataset().load(content.decode() if format_ == "csv" else content, format=format_)
    companies = tablib.Dataset(headers=["name"])
    companies.extend([(name,) for name in dict.fromkeys(people["Company"])])
    _import_all(companies, people, organization, validated=False)
    return time.perf_counter() - started


def _import_all(company_rows: Any, person_rows: Any, organization: Organization, *, validated: bool) -> None:
    companies = ValidatedCompanyResource if validated else CompanyResource
    people = ValidatedPersonResource if validated else PersonResource
    with transaction.atomic():
        _import(companies(organization), company_rows)
        resource = people(organization)
        known = Company.objects.filter(organization=organization).values_list("name", "pk")
        resource.fields["company_id"].widget.ids = dict(known)
        _import(resource, person_rows)


def _import(resource: Any, dataset: Any) -> None:
    result = resource.import_data(dataset, dry_run=False, raise_errors=True)
    if result.has_errors() or result.has_validation_errors() or result.totals["new"] != len(dataset):
        raise SystemExit(f"django-import-export did not import all rows: {dict(result.totals)}")


def _make_dataset(rows: list[dict[str, str]]) -> Any:
    dataset = tablib.Dataset(headers=list(rows[0]))
    dataset.extend([tuple(row.values()) for row in rows])
    return dataset
