"""PostgreSQL's text formats: values written by COPY or in a literal are read back unchanged."""

from __future__ import annotations

import json
import tracemalloc
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.postgres.copy import LINES_AT_ONCE, array_literal, cell, copy_rows, encoder, json_text

pytestmark = pytest.mark.django_db

NASTY = [
    "",
    " ",
    "a\tb",
    "a\nb",
    "a\rb\r\n",
    "\n",
    "\\",
    "\\\\",
    "\\n",
    "\\t",
    "\\N",
    "N",
    "\\.",
    ".",
    "\\.\n",
    "\\x41",
    "\\101",
    "NULL",
    "null",
    "'",
    "''",
    '"',
    '\\"',
    '"a","b"',
    "{",
    "}",
    "{}",
    "{a,b}",
    ",",
    "%s",
    "%(name)s",
    "$$",
    "É",
    "e\u0301",
    "😀",
    "\u2028\u2029\u0085",
    "\x01\x08\x0b\x0c\x1f\x7f",
    "\ufeff",
    "\uffff",
    "\U0010ffff",
    "x" * 100_000,
]
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


@pytest.fixture
def table(db: None) -> str:
    """A table whose name and columns have to be quoted."""
    with connection.cursor() as cursor:
        cursor.execute('CREATE TEMPORARY TABLE "an odd table" ("row" serial, "a cell" text, list text[], "json" jsonb)')
    return "an odd table"


def read(column: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "an odd table" ORDER BY row')
        return [value for (value,) in cursor]


def copy(table: str, column: str, field: models.Field[Any, Any], values: Sequence[Any]) -> None:
    encode = encoder(field)
    copy_rows(table, [column], (f"{encode(value)}\n" for value in values))


def test_text_is_copied_unchanged_and_null_is_null(table: str) -> None:
    values = [*NASTY, None]

    copy(table, "a cell", models.TextField(), values)

    assert read("a cell") == values


def test_arrays_are_copied_unchanged(table: str) -> None:
    values = [[], [""], NASTY, *([text] for text in NASTY), None, ["a", "a"]]

    copy(table, "list", ArrayField(models.TextField()), values)

    assert read("list") == values


def test_json_is_copied_unchanged(table: str) -> None:
    values: list[Any] = [
        {},
        {text: [text, {text: text}] for text in NASTY},
        [1, 1.5, -0.5, 10**300, 1e-7, True, None],
        *NASTY,
        None,
    ]

    copy(table, "json", models.JSONField(), values)

    assert [None if value is None else json.loads(value) for value in read("json")] == values


@given(st.lists(texts, min_size=1, max_size=5))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_copied_unchanged_in_a_cell_a_list_and_json(table: str, values: list[str]) -> None:
    row = (cell(values[0]), encoder(ArrayField(models.TextField()))(values), encoder(models.JSONField())({"a": values}))
    with transaction.atomic():
        copy_rows(table, ["a cell", "list", "json"], ["\t".join(row) + "\n"])

    assert (read("a cell")[-1], read("list")[-1]) == (values[0], values)
    assert json.loads(read("json")[-1]) == {"a": values}


@pytest.mark.parametrize(
    ("field", "type_name", "value"),
    [
        (models.BooleanField(), "boolean", True),
        (models.BooleanField(), "boolean", False),
        (models.IntegerField(), "integer", -7),
        (models.FloatField(), "double precision", 1e-7),
        (models.DecimalField(), "numeric(14, 2)", Decimal("-1234.50")),
        (models.DateField(), "date", date(2024, 2, 29)),
        (models.DateTimeField(), "timestamptz", datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
        (models.DurationField(), "interval", timedelta(days=-1, seconds=1)),
        (models.UUIDField(), "uuid", uuid.UUID(int=7)),
    ],
)
def test_values_of_other_fields_are_copied_unchanged_also_as_json(
    table: str, field: models.Field[Any, Any], type_name: str, value: object
) -> None:
    copy(table, "a cell", field, [value])

    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "a cell"::{type_name}, (%s::jsonb->>0)::{type_name} FROM "an odd table"', [json_text([value])]
        )
        assert cursor.fetchone() == (value, value)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["a"],
        ["a, b", "NULL", "{}", " c "],
        ['"'],
        ["a", '","'],
        NASTY,
        [text for text in NASTY for _ in range(10)],
    ],
)
def test_an_array_literal_is_one_parameter_however_long_the_list(db: None, values: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [array_literal(values)])

        assert cursor.fetchone()[0] == values


@pytest.mark.parametrize("count", [0, 1, LINES_AT_ONCE - 1, LINES_AT_ONCE, LINES_AT_ONCE + 1, 3 * LINES_AT_ONCE])
def test_every_line_arrives_once_and_in_order(table: str, count: int) -> None:
    copy(table, "a cell", models.TextField(), range(count))

    assert read("a cell") == [str(number) for number in range(count)]


def test_the_whole_text_is_never_in_memory(table: str) -> None:
    line = "x" * 999 + "\n"
    tracemalloc.start()
    try:
        copy_rows(table, ["a cell"], (line for _ in range(20_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


def test_a_refusal_of_postgresql_is_an_error_of_django(acme: Any) -> None:
    line = f"7\t{acme.organization.pk}\t\\N\n"

    with pytest.raises(IntegrityError), transaction.atomic():
        copy_rows("people_person", ["id", "organization_id", "first_name"], [line])
