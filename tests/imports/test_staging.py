"""Staged rows are stored as they were sent, in chunks."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.engine.parse import chunks
from importsvc.engine.parse.chunks import CHUNK_CHARACTERS, CHUNK_ROWS, RowChunk
from importsvc.imports.models import Import, StagedChunk
from importsvc.imports.rows import SpooledRows, read_file, require_rows
from importsvc.imports.staging import StagedRows, staged_size, store_rows
from importsvc.text.strict_json import read_json
from people.services import NewOrganization
from tests.builders import make_import
from tests.payloads import payloads
from tests.staged import read_staged

BEFORE = {"company": [{"name": "Before"}]}


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person, import_data=BEFORE)


def store(import_: Import, text: str) -> list[RowChunk]:
    """Stage the rows of JSON text; the chunks as they are read back."""
    store_rows(import_, require_rows(text))
    return list(StagedRows(import_.organization_id, import_.pk).read())


def as_sent(text: str) -> Any:
    """JSON with the members of objects in their order and the digits of numbers as they were sent."""
    return json.loads(text, parse_float=lambda number: ("number", number), parse_int=lambda number: ("number", number))


@given(text=payloads(spoilt=False), size=st.integers(1, 4))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_come_back_as_they_were_sent(import_: Import, text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_ROWS", size)
        read = store(import_, text)

    document = read_staged(import_)
    assert as_sent(document) == as_sent(text)
    assert list(read_json(document)) == list(read_json(text))
    assert all(chunk.row_count <= size for chunk in read)


@pytest.mark.parametrize(
    "row",
    [
        '{"name":"A","custom_fields":{"b":1.50,"a":-0,"c":1E2,"d":12345678901234567890.10}}',
        r'{"name": "\u00c9\ud83d\ude00\/"}',
        '{"name": "É😀\\t\\\\N", "due_days": 007}'.replace("007", "7.0"),
        '{  "name" : "spaces"\n\t}',
    ],
)
def test_the_text_of_a_row_is_kept_to_the_character(import_: Import, row: str) -> None:
    store(import_, f'{{"company":[{row}]}}')

    assert read_staged(import_) == f'{{"company": [{row}]}}'


def test_types_come_back_in_their_order_even_without_rows(import_: Import) -> None:
    read = store(import_, '{"person": [], "company": [{"name": "A"}]}')

    assert read == [RowChunk("person", 1, 0, ""), RowChunk("company", 1, 1, '{"name": "A"}')]
    assert StagedRows(import_.organization_id, import_.pk).types == ["person", "company"]
    assert StagedRows(import_.organization_id, import_.pk).row_count == 1
    assert read_json(read_staged(import_)) == {"person": [], "company": [{"name": "A"}]}


def test_a_chunk_has_a_limited_number_of_rows_and_characters(import_: Import) -> None:
    small = ",".join(f'{{"name":"{number}"}}' for number in range(5_000))
    large = ",".join(f'{{"first_name":"{number}","title":"{"x" * 30_000}"}}' for number in range(40))

    read = store(import_, f'{{"company":[{small}],"person":[{large}]}}')

    companies = [chunk for chunk in read if chunk.type_name == "company"]
    people = [chunk for chunk in read if chunk.type_name == "person"]
    assert all(chunk.row_count <= CHUNK_ROWS for chunk in companies)
    assert sum(chunk.row_count for chunk in companies) == 5_000
    assert all(len(chunk.text) <= CHUNK_CHARACTERS for chunk in read)
    assert len(companies) <= 5
    assert len(people) <= 8
    for chunks_of_type in (companies, people):
        assert [chunk.first_row for chunk in chunks_of_type] == [
            1 + sum(chunk.row_count for chunk in chunks_of_type[:index]) for index in range(len(chunks_of_type))
        ]


def test_only_the_chunks_of_one_type_are_read_if_one_is_asked_for(import_: Import) -> None:
    store(import_, '{"person": [{"first_name": "P"}], "company": [{"name": "A"}]}')

    read = StagedRows(import_.organization_id, import_.pk).read("company")

    assert list(read) == [RowChunk("company", 1, 1, '{"name": "A"}')]


def test_staged_rows_are_replaced_in_the_same_transaction(import_: Import) -> None:
    for name in ("first", "second"):
        store(import_, json.dumps({"company": [{"name": name}]}))

        assert read_json(read_staged(import_)) == {"company": [{"name": name}]}


def test_no_other_import_is_touched(acme: NewOrganization, import_: Import) -> None:
    other = make_import(creator=acme.person, import_data={"company": [{"name": "Other"}]})
    before = Import.objects.filter(pk=other.pk).values().get()

    store(import_, '{"company": [{"name": "After"}]}')

    assert Import.objects.filter(pk=other.pk).values().get() == before
    assert read_json(read_staged(other)) == {"company": [{"name": "Other"}]}


def test_the_size_is_the_number_of_bytes(import_: Import) -> None:
    rows = ['[{"name":"É"},{"name":"😀"}]', "[]"]
    store(import_, f'{{"company":{rows[0]},"person":{rows[1]}}}')

    found: Any = Import.objects.annotate(size=staged_size()).get(pk=import_.pk)
    assert found.size == sum(len(array.encode()) for array in rows)


def test_deleting_an_import_deletes_its_staged_rows(import_: Import) -> None:
    import_.delete()

    assert not StagedChunk.objects.exists()


def test_an_import_without_staged_rows_is_an_empty_document(acme: NewOrganization) -> None:
    empty = make_import(creator=acme.person)

    assert read_staged(empty) == "{}"
    assert StagedRows(empty.organization_id, empty.pk).types == []
    assert StagedRows(empty.organization_id, empty.pk).row_count == 0


def test_memory_does_not_grow_with_the_rows(import_: Import) -> None:
    peaks = []
    for count in (100_000, 300_000):
        row = b'{"first_name":"Ada","email":"ada@acme.test"}'
        body = io.BytesIO(b'{"person":[' + b",".join([row] * count) + b"]}")
        tracemalloc.start()
        try:
            rows = read_file(body)
            store_rows(import_, rows)
            assert sum(chunk.row_count for chunk in StagedRows(import_.organization_id, import_.pk).read()) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    assert isinstance(rows, SpooledRows)
    assert peaks[1] < 1.2 * peaks[0] < 12_000_000
