"""System checks: a declaration that does not fit, or a database that folds letters otherwise, is told at the start."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, models
from django.db.models.functions import Now
from django.test.utils import isolate_apps

from companies.models import Company
from importsvc.engine.parse.cells import text
from importsvc.engine.schema import registry
from importsvc.engine.schema.checks import check_importables
from importsvc.engine.schema.importable import Column, Importable, Reference
from importsvc.postgres.checks import check_folding
from organizations.models import Organization

NAME = Column("name", clean=text)


def check(*importables: Importable, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, str]]:
    monkeypatch.setattr(registry, "_importables", {importable.name: importable for importable in importables})
    return [(message.id, message.msg) for message in check_importables()]


def test_what_is_registered_is_in_order() -> None:
    assert check_importables() == []


def test_a_reference_to_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    company = Importable(
        name="company", model=Company, columns=(NAME,), references=(Reference("parent", to="company", by="name"),)
    )

    assert check(company, monkeypatch=monkeypatch) == [
        ("imports.E001", "company.parent refers to company.name, which is no unique column")
    ]


def test_a_column_without_a_field_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    company = Importable(name="company", model=Company, columns=(NAME, Column("shoe", clean=text)))
    organization = Importable(name="organization", model=Organization, columns=(NAME,))

    assert check(company, organization, monkeypatch=monkeypatch) == [
        ("imports.E003", "The model of importable 'company' has no field shoe"),
        ("imports.E003", "The model of importable 'organization' has no field organization"),
    ]


@isolate_apps("companies")
def test_a_field_that_nothing_can_fill_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deal(models.Model):
        organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
        name = models.CharField(max_length=255)
        note = models.TextField()
        is_won = models.BooleanField(default=False)
        closed_at = models.DateTimeField(null=True)
        key = models.UUIDField(default=uuid.uuid4)
        other_key = models.UUIDField(null=True, unique=True)
        company = models.ForeignKey(Company, on_delete=models.CASCADE)
        stage = models.IntegerField()
        code = models.UUIDField(default=uuid.uuid4, unique=True)
        changed_at = models.DateTimeField(db_default=Now())

        class Meta:
            app_label = "companies"

        def __str__(self) -> str:
            return self.name

    deal = Importable(name="deal", model=Deal, columns=(NAME,))

    assert check(deal, monkeypatch=monkeypatch) == [
        ("imports.E004", f"Nothing can fill '{name}' of importable 'deal'")
        for name in ("company", "stage", "code", "changed_at")
    ]


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
def test_a_database_that_folds_otherwise_is_told(
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
