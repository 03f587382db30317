"""For any rows and any existing records, reverting an import restores the database, and a refusal changes nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from companies.models import Company
from importsvc.engine.schema import registry
from importsvc.errors import DomainError
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import, revert_import, run_import
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.snapshots import take_snapshot

OWN_TABLES = ("imports_import", "imports_stagedchunk", "changelog_change", "changelog_createdchunk")

storable = st.characters(codec="utf-8", exclude_characters="\x00")
words = st.text(storable, max_size=12) | st.sampled_from(["\\N", "\\.", "a\tb\nc", '{"', "NULL", "É", "e\u0301", "ẞ"])
filled = words.filter(str.strip)
names = st.sampled_from(["Reds", "reds", "ÉCOLE", "école", "Straße", "İ", "\\N"]) | filled
addresses = st.tuples(st.sampled_from(["a", "B", "é", "É", "ß", "İ", "o'x"]), st.integers(0, 99)).map(
    lambda parts: f"{parts[0]}{parts[1]}@acme.test"
)
tags = st.lists(filled, max_size=3) | st.lists(filled.map(lambda tag: tag.replace(",", "")), max_size=3).map(",".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(words, json_values, max_size=3)
blank = st.sampled_from([None, "", " "])

company_cells: dict[str, st.SearchStrategy[Any]] = {
    "default_currency": st.sampled_from(["EUR", "usd"]) | blank,
    "description": words,
    "due_days": st.integers(0, 2**31 - 1) | st.sampled_from(["0", "30", 7.0]) | blank,
    "tag_list": tags | blank,
    "invoice_email_recipients": objects | blank,
    "custom_fields": objects | blank,
}
person_cells: dict[str, st.SearchStrategy[Any]] = {
    "last_name": words,
    "email": addresses | blank,
    "title": words,
    "tag_list": tags | blank,
    "custom_fields": objects | blank,
}
companies = st.lists(
    st.fixed_dictionaries({"name": names}, optional=company_cells),
    max_size=3,
    unique_by=lambda row: row["name"].strip().casefold(),
)


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Rows, many of them valid; people refer to companies of the payload or to an existing one."""
    company_rows = draw(companies)
    known = ["By hand", "BY HAND", *(row["name"] for row in company_rows)]
    cells = {**person_cells, "company": st.sampled_from(known) | blank}
    people = st.lists(
        st.fixed_dictionaries({"first_name": filled}, optional=cells),
        min_size=0 if company_rows else 1,
        max_size=4,
        unique_by=lambda row: str(row.get("email") or id(row)).casefold(),
    )
    return {"company": company_rows, "person": draw(people)}


class State:
    """An organization in which Hypothesis imports and reverts."""

    def __init__(self) -> None:
        self.caller: NewOrganization = make_organization(name="Acme")
        make_company(organization=self.caller.organization, name="By hand")
        make_person(organization=self.caller.organization, first_name="By hand", email="b1@acme.test")

    def stage(self, rows: Any) -> Import | None:
        """The staged import; ``None`` if its rows are refused, which changes nothing."""
        before = take_snapshot()
        try:
            return create_import(organization=self.caller.organization, creator=self.caller.person, import_data=rows)
        except DomainError:
            assert take_snapshot() == before
            return None

    def run(self, rows: Any) -> Import | None:
        """The import, run."""
        import_ = self.stage(rows)
        if import_ is None:
            return None
        return run_import(organization=self.caller.organization, import_id=import_.pk)

    def revert(self, import_: Import) -> dict[str, int] | None:
        """The removed records; ``None`` if the revert is refused, which changes nothing."""
        before = take_snapshot()
        try:
            return dict(revert_import(organization=self.caller.organization, import_id=import_.pk).removed)
        except DomainError:
            assert take_snapshot() == before
            return None


def changes_of(import_: Import) -> list[Any]:
    return list(import_.changes.order_by("id").values())


def with_decimals(value: Any) -> Any:
    """The value with exact numbers: PostgreSQL keeps every digit, a float does not."""
    return json.loads(json.dumps(value), parse_float=Decimal, parse_int=Decimal)


class TestRevert(TestCase):
    """Each example starts with the database after the migrations."""

    @given(st.lists(st.tuples(payloads(), st.booleans()), max_size=2), payloads())
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    def test_reverting_restores_every_table_row_for_row(self, earlier: list[tuple[Any, bool]], rows: Any) -> None:
        state = State()
        for earlier_rows, reverted in earlier:
            earlier_import = state.run(earlier_rows)
            if earlier_import and reverted:
                state.revert(earlier_import)
        import_ = state.stage(rows)
        assume(import_ is not None)
        assert import_ is not None
        before, everything = take_snapshot(without=OWN_TABLES), take_snapshot()
        run_import(organization=state.caller.organization, import_id=import_.pk)
        change_log = changes_of(import_)

        removed = state.revert(import_)

        assert removed == {name: len(given) for name, given in rows.items() if given}
        assert take_snapshot(without=OWN_TABLES) == before
        assert changes_of(import_) == change_log
        assert Import.objects.get(pk=import_.pk).state == ImportState.REVERTED
        now = take_snapshot()
        for table in OWN_TABLES:
            column = "id" if table == "imports_import" else "import_id"
            assert [row for row in now[table] if row[column] != import_.pk] == [
                row for row in everything[table] if row[column] != import_.pk
            ]

    @given(payloads())
    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    def test_records_have_the_values_of_their_rows(self, rows: Any) -> None:
        state = State()
        if state.run(rows) is None:
            return

        for name, model in (("company", Company), ("person", Person)):
            importable = registry.get(name)
            records = model._default_manager.order_by("-id")[: len(rows[name])]
            for row, record in zip(rows[name], reversed(records), strict=True):
                for column in importable.columns:
                    value = column.clean(row.get(column.name))
                    if value is not None:
                        assert with_decimals(getattr(record, column.name)) == with_decimals(value)
                if row.get("company") and row["company"].strip():
                    assert isinstance(record, Person)
                    assert record.company is not None
                    assert record.company.name.lower() == row["company"].strip().lower()

    @given(payloads(), payloads())
    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    def test_the_same_file_again_is_refused_and_a_second_one_does_not_touch_the_first(
        self, first: Any, second: Any
    ) -> None:
        state = State()
        import_ = state.run(first)
        if import_ is None:
            return
        before = take_snapshot()
        if first["company"]:
            assert state.stage(first) is None

        other = state.run(second)
        if other is None:
            assert take_snapshot() == before
        elif state.revert(other) is not None:
            after = take_snapshot(without=OWN_TABLES)
            assert after == {table: rows for table, rows in before.items() if table not in OWN_TABLES}
