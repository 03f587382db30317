"""System checks report a declaration that does not fit, or a database that folds letters differently."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, models
from django.db.models.functions import Lower, Now
from django.test.utils import isolate_apps

from companies.models import Company
from importsvc.engine.parse.cells import text
from importsvc.engine.schema import registry
from importsvc.engine.schema.checks import check_importables
from importsvc.engine.schema.importable import Column, Importable, Reference
from importsvc.postgres.checks import check_folding
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from people.models import Person

NAME = Column("name", clean=text)
TITLE = Column("title", clean=text)


def check(*importables: Importable, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, str, str | None]]:
    """The id, text and hint of each message if only these types are registered."""
    monkeypatch.setattr(registry, "_importables", {importable.name: importable for importable in importables})
    return [(message.id, message.msg, message.hint) for message in check_importables()]


def make_model(name: str, *, options: Any = None, **fields: Any) -> type[models.Model]:
    """A model of an organization's records; ``options`` are set on its ``Meta``."""
    meta = type("Meta", (), {"app_label": "companies", **(options or {})})
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    members = {"organization": organization, "title": models.CharField(max_length=9), "__module__": __name__, **fields}
    return type(name, (models.Model,), {**members, "Meta": meta, "__str__": lambda self: name})


def refer_to(model: Any) -> models.ForeignKey:
    return models.ForeignKey(model, on_delete=models.CASCADE, related_name="+", null=True)


def test_the_registered_types_pass_all_checks() -> None:
    assert check_importables() == []


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("firm", "person.company refers to firm.name, which is no unique column"),
        ("company", "person.company refers to company.name, which is no unique column"),
        ("person", "person.company refers to its own type"),
    ],
)
def test_a_reference_that_no_import_can_resolve_is_an_error(
    monkeypatch: pytest.MonkeyPatch, to: str, sentence: str
) -> None:
    company = Importable(name="company", model=Company, columns=(NAME,))
    person = Importable(
        name="person", model=Person, columns=(TITLE,), references=(Reference("company", to=to, by="name"),)
    )

    hint = "Refer to unique columns of other types, in no circle; leave other foreign keys out of the declaration."
    assert check(company, person, monkeypatch=monkeypatch) == [("imports.E001", sentence, hint)]


def test_a_column_without_a_field_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    company = Importable(name="company", model=Company, columns=(NAME, Column("shoe", clean=text)))
    organization = Importable(name="organization", model=Organization, columns=(NAME,))

    hint = "Name the columns and references of an importable after fields of its model."
    assert check(company, organization, monkeypatch=monkeypatch) == [
        ("imports.E003", "The model of importable 'company' has no field shoe", hint),
        ("imports.E003", "The model of importable 'organization' has no field organization", hint),
    ]


@isolate_apps("companies")
def test_a_field_that_nothing_can_fill_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(
        "Deal",
        note=models.TextField(),
        is_won=models.BooleanField(default=False),
        closed_at=models.DateTimeField(null=True),
        key=models.UUIDField(default=uuid.uuid4),
        other_key=models.UUIDField(null=True, unique=True),
        owner=models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+"),
        stage=models.IntegerField(),
        code=models.UUIDField(default=uuid.uuid4, unique=True),
        changed_at=models.DateTimeField(db_default=Now()),
    )
    deal = Importable(name="deal", model=model, columns=(TITLE, Column("note", clean=text)))

    hint = "Make it a column, or let it be null, or give it a default that all records may share."
    assert check(deal, monkeypatch=monkeypatch) == [
        ("imports.E004", f"Nothing can fill '{name}' of importable 'deal'", hint)
        for name in ("owner", "stage", "code", "changed_at")
    ]


@isolate_apps("companies")
@pytest.mark.parametrize(
    ("field", "is_right"),
    [
        (lambda firm: refer_to(firm), True),
        (lambda firm: models.OneToOneField(firm, on_delete=models.CASCADE, related_name="+", null=True), True),
        (lambda firm: refer_to(Organization), False),
        (lambda firm: models.BigIntegerField(null=True), False),
    ],
)
def test_a_reference_is_a_foreign_key_to_the_model_of_the_type_it_names(
    monkeypatch: pytest.MonkeyPatch, field: Any, is_right: bool
) -> None:
    firm = make_model("Firm", options={"indexes": [models.Index(Lower("title"), "organization", name="firm_title")]})
    key = ForeignKeyConstraint(
        fields=["organization", "firm"], to="companies.Firm", to_fields=["organization", "id"], name="deal_firm"
    )
    deal = make_model("Deal", firm=field(firm), options={"constraints": [key]})
    title = Column("title", clean=text, unique=True, constrained=False)
    found = check(
        Importable(name="firm", model=firm, columns=(title,)),
        Importable(name="deal", model=deal, columns=(TITLE,), references=(Reference("firm", to="firm", by="title"),)),
        monkeypatch=monkeypatch,
    )

    sentence = "deal.firm refers to 'firm', but the field is no foreign key to it"
    hint = "Declare the field as a ForeignKey to companies.Firm, or refer to another type."
    assert found == ([] if is_right else [("imports.E005", sentence, hint)])


UNIQUE = models.UniqueConstraint(Lower("title"), "organization", name="deal_title")
UNIQUE_WHERE = models.UniqueConstraint(
    Lower("title"), "organization", condition=~models.Q(title="x"), name="deal_title"
)
UNIQUE_CASE = models.UniqueConstraint("title", "organization", name="deal_title")
UNIQUE_EVERYWHERE = models.UniqueConstraint(Lower("title"), name="deal_title")
INDEX = models.Index(Lower("title"), "organization", name="deal_title")
INDEX_OTHER_ORDER = models.Index("organization", Lower("title"), name="deal_title")
INDEX_WHERE = models.Index(Lower("title"), "organization", condition=~models.Q(title="x"), name="deal_title")
INDEX_CASE = models.Index(fields=["title", "organization"], name="deal_title")

NO_CONSTRAINT = (
    "The unique column 'title' of importable 'deal' has no unique constraint",
    (
        'Add UniqueConstraint(Lower("title"), "organization", name=…) to the model,'
        " or declare the column with constrained=False."
    ),
)
NO_INDEX = (
    "The unique column 'title' of importable 'deal' has no index",
    'Add Index(Lower("title"), "organization", name=…) to the model: imports look values up by it.',
)


UNIQUE_SET = models.UniqueConstraint(
    fields=["organization", "title"], condition=models.Q(title__isnull=False), name="deal_title"
)
UNIQUE_FIELDS = models.UniqueConstraint(fields=["title", "organization"], name="deal_title")
UNIQUE_SOME = models.UniqueConstraint(
    fields=["organization", "title"], condition=models.Q(title__gt=""), name="deal_title"
)
NO_CONSTRAINT_OF_CASE = (
    "The unique column 'title' of importable 'deal' has no unique constraint",
    (
        'Add UniqueConstraint(fields=["organization", "title"], name=…) to the model,'
        " or declare the column with constrained=False."
    ),
)
NO_INDEX_OF_CASE = (
    "The unique column 'title' of importable 'deal' has no index",
    'Add Index(fields=["organization", "title"], name=…) to the model: imports look values up by it.',
)


@isolate_apps("companies")
@pytest.mark.parametrize(
    ("constrained", "options", "problem"),
    [
        (True, {"constraints": [UNIQUE_SET]}, None),
        (True, {"constraints": [UNIQUE_FIELDS]}, None),
        (True, {"constraints": [UNIQUE_SOME]}, NO_CONSTRAINT_OF_CASE),
        (True, {"constraints": [UNIQUE]}, NO_CONSTRAINT_OF_CASE),
        (True, {"indexes": [INDEX_CASE]}, NO_CONSTRAINT_OF_CASE),
        (False, {"indexes": [INDEX_CASE]}, None),
        (False, {"indexes": [INDEX]}, NO_INDEX_OF_CASE),
    ],
)
def test_a_case_sensitive_unique_column_has_a_constraint_or_an_index_of_the_values_as_they_are(
    monkeypatch: pytest.MonkeyPatch, constrained: bool, options: Any, problem: Any
) -> None:
    title = Column("title", clean=text, unique=True, case_sensitive=True, constrained=constrained)
    deal = Importable(name="deal", model=make_model("Deal", options=options), columns=(title,))

    assert check(deal, monkeypatch=monkeypatch) == ([("imports.E006", *problem)] if problem else [])


@isolate_apps("companies")
@pytest.mark.parametrize("match_key", [None, "title"])
@pytest.mark.parametrize(
    ("constrained", "options", "problem"),
    [
        (True, {"constraints": [UNIQUE]}, None),
        (True, {"constraints": [UNIQUE_WHERE]}, NO_CONSTRAINT),
        (True, {"constraints": [UNIQUE_CASE]}, NO_CONSTRAINT),
        (True, {"constraints": [UNIQUE_EVERYWHERE]}, NO_CONSTRAINT),
        (True, {"indexes": [INDEX]}, NO_CONSTRAINT),
        (True, {}, NO_CONSTRAINT),
        (False, {"constraints": [UNIQUE]}, None),
        (False, {"indexes": [INDEX]}, None),
        (False, {"indexes": [INDEX_OTHER_ORDER]}, None),
        (False, {"indexes": [INDEX_WHERE]}, NO_INDEX),
        (False, {"indexes": [INDEX_CASE]}, NO_INDEX),
        (False, {"constraints": [UNIQUE_CASE]}, NO_INDEX),
        (False, {}, NO_INDEX),
    ],
)
def test_a_unique_column_has_a_unique_constraint_or_at_least_an_index_if_duplicates_are_allowed(
    monkeypatch: pytest.MonkeyPatch, match_key: str | None, constrained: bool, options: Any, problem: Any
) -> None:
    title = Column("title", clean=text, unique=True, constrained=constrained)
    deal = Importable(name="deal", model=make_model("Deal", options=options), columns=(title,), match_key=match_key)

    assert check(deal, monkeypatch=monkeypatch) == ([("imports.E006", *problem)] if problem else [])


def declare_key(
    *fields: str, to: str = "companies.Company", to_fields: tuple[str, ...] = ("organization", "id")
) -> Any:
    return ForeignKeyConstraint(fields=fields, to=to, to_fields=to_fields[-len(fields) :], name="deal_company")


@isolate_apps("companies")
@pytest.mark.parametrize(
    ("constraints", "is_right"),
    [
        ([declare_key("organization", "company")], True),
        ([declare_key("company", "organization", to_fields=("id", "organization"))], True),
        ([], False),
        ([declare_key("company")], False),
        ([declare_key("organization", "company", to="people.Person")], False),
        ([declare_key("organization", "parent")], False),
    ],
)
def test_a_foreign_key_to_records_of_an_organization_includes_the_organization(
    monkeypatch: pytest.MonkeyPatch, constraints: list[Any], is_right: bool
) -> None:
    model = make_model("Deal", company=refer_to(Company), options={"constraints": constraints})
    deal = Importable(name="deal", model=model, columns=(TITLE,))

    sentence = "The foreign key 'company' of importable 'deal' does not include the organization"
    hint = 'Add a constraint with fields=["organization", "company"] that refers to companies.Company.'
    assert check(deal, monkeypatch=monkeypatch) == ([] if is_right else [("imports.E007", sentence, hint)])


@isolate_apps("companies")
@pytest.mark.parametrize(
    ("plural", "is_right"), [("line_items", True), ("deals", True), ("line items", False), ("Deals", False)]
)
def test_the_plural_name_of_a_type_is_a_type_of_resources(
    monkeypatch: pytest.MonkeyPatch, plural: str, is_right: bool
) -> None:
    deal = Importable(name="deal", model=make_model("Deal", options={"verbose_name_plural": plural}), columns=(TITLE,))

    sentence = f"The plural name '{plural}' of importable 'deal' cannot be the type of a resource"
    hint = "Set verbose_name_plural of the model to a name of lower-case letters and underscores: line_items."
    assert check(deal, monkeypatch=monkeypatch) == ([] if is_right else [("imports.E008", sentence, hint)])


def test_this_database_folds_letters_as_imports_do(db: None) -> None:
    assert check_folding(databases=["default"]) == []


@pytest.mark.parametrize(
    ("answer", "messages"),
    [
        (("UTF8", "i", "é"), []),
        (("UTF8", "i", "É"), ["imports.W001"]),
        (("UTF8", "ı", "é"), ["imports.E002"]),
        (("LATIN1", "i", "é"), ["imports.E002"]),
    ],
)
def test_a_database_that_folds_letters_differently_is_reported(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[str, str, str], messages: list[str]
) -> None:
    class Cursor:
        def execute(self, sql: str) -> None:
            assert "lower('I'), lower('É')" in sql

        def fetchone(self) -> tuple[str, str, str]:
            return answer

    @contextmanager
    def cursor() -> Iterator[Any]:
        yield Cursor()

    monkeypatch.setattr(connections["default"], "cursor", cursor)

    assert [message.id for message in check_folding(databases=["default"])] == messages
    assert check_folding(databases=None) == []
