"""For any rows, every way to import them has exactly the result of a slow reference."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from importsvc.engine.parse import chunks
from importsvc.errors import InvalidAttribute
from importsvc.imports import staging
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, run_import, update_import
from importsvc.postgres import copy as copying
from importsvc.postgres import write_conflicts
from importsvc.text import json_stream
from importsvc.text.json_stream import JsonError
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_organization, make_person
from tests.engine.apply.writing import BOUNDS
from tests.payloads import payloads
from tests.reference import Accepted, Refused, RowOfCompany, expect_import
from tests.snapshots import take_snapshot, undone
from tests.staged import bring_rows, read_staged

SERVERS = {"id", "created_at"}
TABLES = {"company": "companies_company", "person": "people_person"}
WRITTEN = ("imports_import", "imports_stagedchunk", "changelog_change", "changelog_createdchunk")
# Examples are small, and shrinking them takes minutes.
ANYTHING = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])


@contextmanager
def boundaries(size: int) -> Iterator[None]:
    """Reads, chunks and batches of about this size, so that a few rows cross their boundaries; 0 for the defaults."""
    with pytest.MonkeyPatch.context() as patch:
        if size:
            patch.setattr(json_stream, "READ_SIZE", 20 * size)
            patch.setattr(chunks, "CHUNK_ROWS", size)
            patch.setattr(chunks, "CHUNK_CHARACTERS", 800 * size)
            patch.setattr(copying, "LINES_AT_ONCE", size)
            patch.setattr(staging, "CHUNKS_AT_ONCE", size)
        yield


def organize() -> NewOrganization:
    """An organization with some records, and another organization with different ones."""
    caller = make_organization(name="Acme")
    caller.organization.default_currency = "CHF"
    caller.organization.save()
    for name in ("By hand", "Twice", "tWICE", "École"):
        make_company(organization=caller.organization, name=name)
    for email, external_id in (("own@acme.test", "id-1"), ("É@acme.test", None), (None, None)):
        make_person(organization=caller.organization, email=email, external_id=external_id)
    other = make_organization(name="Globex").organization
    make_company(organization=other, name="Nobody's company")
    make_person(organization=other, email="s1@acme.test")
    return caller


def numbers_as_written(value: Any) -> Any:
    """JSON in which each number is compared as PostgreSQL does: with all digits, and never equal to a boolean."""

    def read(written: str) -> tuple[str, Decimal]:
        return "number", Decimal(written)

    text = value if isinstance(value, str) else json.dumps(value)
    return json.loads(text, parse_float=read, parse_int=read)


def rows_of(table: str, condition: str, *parameters: Any) -> list[dict[str, Any]]:
    """Rows in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(record)::text FROM {table} AS record WHERE {condition} ORDER BY id", parameters
        )
        return [numbers_as_written(row) for (row,) in cursor]


def number(value: int) -> tuple[str, Decimal]:
    return "number", Decimal(value)


class Ways:
    """The ways to import rows, each tried on the same organization and rolled back."""

    def __init__(self, text: str, *, size: int) -> None:
        self.caller = organize()
        self.text = text
        self.size = size
        self.expected = expect_import(self.caller.organization, text)

    def compare(self) -> Accepted | Refused:
        """Compare the expected result with the result of each way."""
        with boundaries(self.size):
            for form in (self.text, self._read_document()):
                if form is None:
                    continue
                if isinstance(self.expected, Refused):
                    self._expect_refusal(self.expected, form)
                else:
                    self._expect_records(self.expected, form)
        return self.expected

    def _read_document(self) -> Any:
        """The rows as parsed from a request's document; ``None`` if the text cannot be JSON in a document."""
        try:
            return bring_rows(self.text) if self.text.lstrip(" \t\r\n")[:1] in ("{", "[") else None
        except JsonError:
            return None

    def _expect_refusal(self, expected: Refused, form: Any) -> None:
        import_ = make_import(
            creator=self.caller.person, import_data={"company": [{"name": "As it was"}]}, shared_values={"as": "it was"}
        )
        before = take_snapshot()
        who: dict[str, Any] = {"organization": self.caller.organization}
        ways: list[Callable[[], Any]] = [
            lambda: create_import(**who, creator=self.caller.person, import_data=form),
            lambda: update_import(**who, import_id=import_.pk, import_data=form, attributes={}),
            lambda: run_import(**who, import_id=import_.pk, import_data=form),
        ]
        for way in ways:
            with pytest.raises(InvalidAttribute) as caught:
                way()
            assert (caught.value.detail, caught.value.meta) == (expected.detail, expected.meta)
            assert list(caught.value.detail) == list(expected.detail)
            assert take_snapshot() == before

    def _expect_records(self, expected: Accepted, form: Any) -> None:
        who: dict[str, Any] = {"organization": self.caller.organization}
        untouched = take_snapshot(without=(*WRITTEN, *TABLES.values()))
        with undone():
            staged = create_import(**who, creator=self.caller.person, import_data=form)
            self._expect_staged(staged)
            self._expect(expected, lambda: self._run_once(staged))
            assert take_snapshot(without=(*WRITTEN, *TABLES.values())) == untouched
        with undone():
            empty = make_import(creator=self.caller.person)
            self._expect(expected, lambda: self._run_once(empty, import_data=form))
            self._expect_staged(empty)

    def _expect_staged(self, import_: Import) -> None:
        """The rows are staged as they were sent, each number with its digits."""
        staged = read_staged(import_)
        assert numbers_as_written(staged) == numbers_as_written(self.text)
        assert list(json.loads(staged)) == list(json.loads(self.text))

    def _run_once(self, import_: Import, **fields: Any) -> Import:
        """Run the import; the first attempt must succeed."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(write_conflicts, "ATTEMPTS", 1)
            return run_import(organization=self.caller.organization, import_id=import_.pk, **fields)

    def _expect(self, expected: Accepted, run: Callable[[], Import]) -> None:
        last = {name: max(row["id"] for row in rows_of(table, "true")) for name, table in TABLES.items()}
        began = timezone.now()
        import_ = run()
        connection.check_constraints()
        made = {name: rows_of(table, "id > %s", last[name][1]) for name, table in TABLES.items()}
        ids = [record["id"] for record in made["company"]]
        shared = numbers_as_written(Import.objects.get(pk=import_.pk).shared_values)
        change_log = rows_of("changelog_anychange", "import_id = %s", import_.pk)

        assert set(shared) == {name for name, records in expected.records.items() if records}
        expected_changes: list[dict[str, Any]] = []
        for name in TABLES:
            records = expected.records.get(name, [])
            assert [{key: record[key] for key in record if key not in SERVERS} for record in made[name]] == [
                fill(record.columns, ids) for record in records
            ]
            if name in shared:
                assert shared[name].keys() == {"organization_id", "created_at"}
                created_at = datetime.fromisoformat(shared[name]["created_at"])
                assert all(datetime.fromisoformat(record["created_at"]) == created_at for record in made[name])
                assert began <= created_at <= timezone.now()
                assert shared[name]["organization_id"] == number(self.caller.organization.pk)
            for row, (record, written) in enumerate(zip(records, made[name], strict=True), start=1):
                expected_changes.append(
                    {
                        "organization_id": number(self.caller.organization.pk),
                        "import_id": number(import_.pk),
                        "record_type": name,
                        "record_id": written["id"],
                        "row": number(row),
                        "action": "created",
                        "before": None,
                        "after": fill(record.after, ids),
                        "outcome": None,
                        "kept_fields": None,
                    }
                )
        # Types without references to each other may be written in any order.
        change_log.sort(key=lambda change: str(change["record_type"]))
        assert [
            {key: change[key] for key in change if key not in {"id", *BOUNDS}} for change in change_log
        ] == expected_changes


def fill(values: Any, ids: list[Any]) -> dict[str, Any]:
    """The values as PostgreSQL shows them, with the ids of companies of the payload."""
    filled: dict[str, Any] = {}
    for column, value in values.items():
        filled[column] = ids[value.row - 1] if isinstance(value, RowOfCompany) else numbers_as_written([value])[0]
    return filled


def compare_all(*, spoilt: bool, examples: int = 80) -> Counter[str]:
    """Compare many examples; returns the number of each kind."""
    kinds: Counter[str] = Counter()

    @given(payloads(spoilt=spoilt), st.sampled_from([0, 1, 2, 3]))
    @settings(ANYTHING, max_examples=examples)
    def compare(text: str, size: int) -> None:
        with undone():
            outcome = Ways(text, size=size).compare()
        kinds["good" if isinstance(outcome, Accepted) else "bad"] += 1

    compare()
    return kinds


def test_good_rows_become_the_records_of_the_reference(db: None) -> None:
    assert compare_all(spoilt=False)["good"] >= 40


def test_invalid_rows_are_refused_as_by_the_reference(db: None) -> None:
    # In some runs hardly any of the spoilt payloads is good.
    kinds = compare_all(spoilt=True) + compare_all(spoilt=False, examples=20)

    assert kinds["bad"] >= 30
    assert kinds["good"] >= 3


@given(payloads(spoilt=True).flatmap(lambda text: st.integers(0, len(text)).map(lambda length: text[:length])))
@settings(ANYTHING, max_examples=40)
def test_truncated_text_is_refused_as_by_the_reference(db: None, text: str) -> None:
    with undone():
        Ways(text, size=1).compare()
