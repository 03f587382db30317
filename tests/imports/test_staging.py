"""Staged rows are kept to the last byte, however large they are, and are sent in parts if they are."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importsvc.imports import staging
from importsvc.imports.models import Import
from importsvc.imports.staging import store_import_data
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

    assert Import.objects.values_list("import_data", flat=True).get(pk=import_.pk) == text
    stored = ask("SELECT convert_to(import_data, 'UTF8') FROM imports_import WHERE id = %s", import_.pk)
    assert bytes(stored) == text.encode()


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return make_import(creator=acme.person, import_data="before")


@given(text=texts, part=st.integers(1, 4), sent=st.integers(0, 8))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_is_kept_to_the_byte_whether_it_is_sent_in_parts_or_not(
    import_: Import, text: str, part: int, sent: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "PART", part)
        patch.setattr(staging, "SENT_AT_ONCE", sent)
        store(import_, text)


@pytest.mark.parametrize("length", [19, 20, 21, 27, 28, 29, 700])
def test_parts_are_put_together_in_their_order(import_: Import, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(staging, "PART", 7)
    monkeypatch.setattr(staging, "SENT_AT_ONCE", 20)

    store(import_, "".join(chr(0x100 + index) for index in range(length)))


def test_text_that_is_sent_in_parts_can_be_replaced_in_the_same_transaction(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "SENT_AT_ONCE", 1)

    for text in ("first", "second", ""):
        store(import_, text)


@pytest.mark.parametrize("sent", [0, 1_000_000])
def test_no_other_import_is_touched(
    acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    monkeypatch.setattr(staging, "SENT_AT_ONCE", sent)
    other = make_import(creator=acme.person, import_data="other")
    before = Import.objects.filter(pk=other.pk).values().get()
    own = Import.objects.filter(pk=import_.pk).values().get()

    store_import_data(import_.pk, "after")

    assert Import.objects.filter(pk=other.pk).values().get() == before
    assert Import.objects.filter(pk=import_.pk).values().get() == {**own, "import_data": "after"}


def test_memory_does_not_grow_with_a_text_that_is_sent_in_parts(
    import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "SENT_AT_ONCE", 0)
    peaks = []
    for length in (8_000_000, 24_000_000):
        text = "é\\" * (length // 2)
        tracemalloc.start()
        try:
            store_import_data(import_.pk, text)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert ask("SELECT import_data = repeat(%s, %s) FROM imports_import", "é\\", length // 2)

    assert peaks[1] < 1.2 * peaks[0]
