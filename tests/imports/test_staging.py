"""Staged rows are kept to the last byte, however large they are, and are kept in parts if they are."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.imports import staging
from importsvc.imports.admin import detail as previews
from importsvc.imports.models import Import, StagedPart
from importsvc.imports.staging import read_import_data, read_parts, staged_size, store_import_data
from people.services import NewOrganization
from tests.builders import make_import
from tests.interleaving import ask

odd = ["\\", "\\N", "\\.", "\\.\n", "\n", "\r\n", "\t", "\\n", "\\x41", "'", "%s", "é", "e\u0301", "👩\u200d👧"]
texts = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5) | st.sampled_from(odd)
).map("".join)


def store(import_: Import, text: str) -> None:
    """Store it, and see that it is there byte for byte."""
    store_import_data(import_.pk, text)

    assert read_import_data(import_.pk) == "".join(read_parts(import_.pk)) == text
    stored = ask(
        "SELECT convert_to(import_data, 'UTF8') || coalesce((SELECT string_agg(convert_to(content, 'UTF8'), '' ORDER BY"
        " number) FROM imports_stagedpart WHERE import_id = imports_import.id), '') FROM imports_import WHERE id = %s",
        import_.pk,
    )
    assert bytes(stored) == text.encode()
    assert Import.objects.values_list(staged_size(), flat=True).get(pk=import_.pk) == len(text.encode())


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person, import_data="before")


@given(text=texts, part=st.integers(1, 4), beginning=st.integers(0, 8))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_is_kept_to_the_byte_whether_it_is_kept_in_parts_or_not(
    import_: Import, text: str, part: int, beginning: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "PART", part)
        patch.setattr(staging, "BEGINNING", beginning)
        store(import_, text)


@pytest.mark.parametrize("length", [19, 20, 21, 27, 28, 29, 700])
def test_parts_are_put_together_in_their_order(import_: Import, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(staging, "PART", 7)
    monkeypatch.setattr(staging, "BEGINNING", 7)

    store(import_, "".join(chr(0x100 + index) for index in range(length)))


def test_text_that_is_kept_in_parts_can_be_replaced_in_the_same_transaction(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BEGINNING", 1)

    for text in ("first", "second", ""):
        store(import_, text)


def test_no_other_import_is_touched(acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "BEGINNING", 2)
    monkeypatch.setattr(staging, "PART", 2)
    other = make_import(creator=acme.person)
    store_import_data(other.pk, "other")
    before = Import.objects.filter(pk=other.pk).values().get()
    own = Import.objects.filter(pk=import_.pk).values().get()

    store_import_data(import_.pk, "after")

    assert Import.objects.filter(pk=other.pk).values().get() == before
    assert Import.objects.filter(pk=import_.pk).values().get() == {**own, "import_data": "af"}
    assert list(StagedPart.objects.order_by("pk").values_list("import_record", "number", "content")) == [
        (import_.pk, 0, "te"),
        (import_.pk, 1, "r"),
        (other.pk, 0, "he"),
        (other.pk, 1, "r"),
    ]


def test_what_is_there_in_one_piece_is_read_as_what_is_in_parts(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So large imports were stored before there were parts."""
    monkeypatch.setattr(staging, "BEGINNING", 2)
    monkeypatch.setattr(staging, "READ_AT_ONCE", 4)

    assert read_import_data(import_.pk) == "".join(read_parts(import_.pk)) == "before"
    assert Import.objects.values_list(staged_size(), flat=True).get(pk=import_.pk) == 6


def test_what_is_shown_of_the_rows_is_in_the_beginning() -> None:
    assert previews.PARSED_LENGTH < staging.BEGINNING


def test_parts_go_with_their_import(import_: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "BEGINNING", 1)
    store_import_data(import_.pk, "after")

    import_.delete()

    assert not StagedPart.objects.exists()


def test_memory_does_not_grow_with_a_text_that_is_kept_in_parts(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BEGINNING", 0)
    peaks = []
    for length in (8_000_000, 24_000_000):
        text = "é\\" * (length // 2)
        tracemalloc.start()
        try:
            store_import_data(import_.pk, text)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert read_import_data(import_.pk) == text

    assert peaks[1] < 1.2 * peaks[0]
