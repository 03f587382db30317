"""Limits of reading JSON from a stream: how much is read and in memory, and how large and deep a value may be."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from importsvc.text import json_stream
from importsvc.text.json_rows import decode_rows
from importsvc.text.json_stream import JsonError, JsonReader, JsonTooLargeError
from importsvc.text.text_stream import read_parts, read_utf8

ROW = '{"First Name": "Ada", "Last Name": "Lovelace", "Email": "ada@acme.test"}'
MANY_ROWS = 30_000  # of about 2 MB
IN_MEMORY = 800_000  # bytes
BATCHES = {"items": 500, "characters": 30_000}


def open_reader(*parts: str) -> JsonReader:
    return JsonReader(read_parts(iter(parts)))


# --- the stream ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, 6))
def test_characters_are_whole_wherever_the_bytes_are_cut(size: int) -> None:
    text = "a\u00e9\u20ac\N{GRINNING FACE}\x00\ufeff" * 3
    read = read_utf8(io.BytesIO(text.encode()))

    parts = list(iter(lambda: read(size), ""))

    assert "".join(parts) == text
    assert read(size) == ""


def test_bytes_that_are_not_utf_8_are_refused_when_they_are_read() -> None:
    reader = JsonReader(read_utf8(_Bytes([b'["a", ', b'"\xff"]'])))
    with pytest.raises(JsonError, match=r"^it is not UTF-8$"):
        reader.read_value()


def test_empty_parts_are_not_the_end_of_the_text() -> None:
    reader = open_reader("", "[1", "", "", ", 2]", "")

    assert reader.read_value() == [1, 2]
    reader.expect_end()


class _Bytes:
    """A stream that gives these bytes and then nothing."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)

    def read(self, size: int, /) -> bytes:
        return next(self._parts, b"")


# --- reading on demand ------------------------------------------------------------------------------------------------


class Source:
    """The parts of a text, with the number of parts read so far."""

    def __init__(self, parts: Iterable[str]) -> None:
        self.count = 0
        self._parts = iter(parts)

    def read(self, size: int) -> str:
        self.count += 1
        return next(self._parts, "")


def read_batches(reader: JsonReader) -> Iterator[object]:
    return reader.read_batches(**BATCHES)


def read_members(reader: JsonReader) -> Iterator[object]:
    for name in reader.read_members():
        reader.skip_value()
        yield name


@pytest.mark.parametrize(
    ("first", "part", "read"),
    [
        ("[", f"{ROW}," * 1_000, read_batches),
        ("{", "".join(f'"m{number}": {ROW},' for number in range(1_000)), read_members),
        ('"', ROW.replace('"', r"\"") * 1_000, JsonReader.read_text),
    ],
)
def test_a_stream_is_read_no_further_than_it_is_asked_for(
    first: str, part: str, read: Callable[[JsonReader], Iterator[object]]
) -> None:
    source = Source(chain([first], repeat(part)))
    values = read(JsonReader(source.read))

    next(values)
    assert source.count <= 4
    for _ in range(10):
        next(values)
    assert source.count <= 16


def test_values_before_an_error_are_read() -> None:
    batches = open_reader("[1, 2, 3, x").read_batches(items=1, characters=64)

    assert [next(batches), next(batches), next(batches)] == [(1, "1"), (1, "2"), (1, "3")]
    with pytest.raises(JsonError, match=r"^line 1 column 11: Expecting value$"):
        next(batches)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    source = Source(repeat("["))

    JsonReader(source.read)

    assert source.count == 0


def test_the_end_of_a_short_array_is_looked_for_near_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decoder(json.JSONDecoder):
        def decode(self, s: str, *arguments: Any) -> Any:
            lengths.append(len(s))
            return super().decode(s, *arguments)

    lengths: list[int] = []
    monkeypatch.setattr(json_stream, "PLAIN_DECODER", Decoder())
    reader = open_reader("{", "".join(f'"m{number}": [{ROW}], ' for number in range(1_000)))
    names = reader.read_members()
    next(names)

    reader.skip_value()

    assert next(names) == "m1"
    assert 0 < sum(lengths) < 4_000


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        (chain(["[", ROW], repeat(f",{ROW}", MANY_ROWS), ["]"]), lambda it: it.read_batches(**BATCHES)),
        (chain(["[0"], repeat(",0" * 20, MANY_ROWS), ["]"]), lambda it: it.read_batches(**BATCHES)),
        (chain(['{"a": ['], repeat('"",' * 30, MANY_ROWS), ['"" ]}']), lambda it: [it.skip_value()]),
        (chain(['{"a": 0'], repeat(f',"a":{ROW}', MANY_ROWS), ["}"]), lambda it: [it.skip_value()]),
        (chain(['"'], repeat("\\u0041" * 15, MANY_ROWS), ['"']), JsonReader.read_text),
        (chain(['{"a": "'], repeat("x" * 80, MANY_ROWS), ['"}']), lambda it: [it.skip_value()]),
        (chain(["7"], repeat(" " * 80, MANY_ROWS)), lambda it: [it.read_value(), it.expect_end()]),
    ],
)
def test_memory_does_not_grow_with_the_text(
    parts: Iterator[str], read: Callable[[JsonReader], Iterable[object]]
) -> None:
    reader = JsonReader(read_parts(parts))
    tracemalloc.start()
    try:
        for _ in read(reader):
            pass
        reader.expect_end()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < IN_MEMORY


# --- large values ----------------------------------------------------------------------------------------------------


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """The maximum length of a value in the test."""
    monkeypatch.setattr(json_stream, "LARGEST_VALUE", 1_000)
    monkeypatch.setattr(json_stream, "READ_SIZE", 24)
    return 1_000


def make_values(length: int) -> list[str]:
    """A string, an object and an array of this length."""
    return [json.dumps("x" * (length - 2)), f'{{"a":{"1":>{length - 6}}}}', f"[{'1,' * 300}{'1':>{length - 602}}]"]


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("size", [1, 24, 10_000])
def test_a_value_is_read_up_to_a_length_and_refused_beyond(limit: int, index: int, size: int) -> None:
    longest, longer = make_values(limit)[index], make_values(limit + 1)[index]
    assert (len(longest), len(longer)) == (limit, limit + 1)

    def cut(source: str) -> JsonReader:
        return open_reader(*(source[start : start + size] for start in range(0, len(source), size)))

    assert cut(longest).read_value() == json.loads(longest)
    with pytest.raises(JsonTooLargeError, match=r"^more than 1000 characters$"):
        cut(longer).read_value()


def test_an_item_may_not_be_longer_than_a_value(limit: int) -> None:
    def read(item: str) -> list[tuple[int, str]]:
        return list(open_reader(f"[1,{item},2]").read_batches(items=5, characters=64))

    for longest, longer in zip(make_values(limit), make_values(limit + 1), strict=True):
        assert (1, longest) in read(longest)
        with pytest.raises(JsonTooLargeError, match=r"^more than 1000 characters$"):
            read(longer)


def test_a_skipped_value_may_be_longer_than_the_limit_but_not_the_values_inside_it(limit: int) -> None:
    text = json.dumps("x" * 10 * limit)
    array = json.dumps([0] * 10 * limit)
    for source in (text, array, f'{{"a": {array}, "b": {text}, "c": {text}}}'):
        reader = open_reader(source)
        reader.skip_value()
        reader.expect_end()

    for source in (f"[{text}]", f'{{"a": {{"b": {text}}}}}', f"{{{text}: 1}}"):
        with pytest.raises(JsonTooLargeError, match=r"^more than 1000 characters$"):
            open_reader(source).skip_value()


def test_a_string_is_read_however_long_it_is(limit: int) -> None:
    assert sum(map(len, open_reader(json.dumps("x" * 10 * limit)).read_text())) == 10 * limit


# --- deep values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('{"a":[', "]}")])
def test_however_deep_items_are_nested_they_are_read_or_refused(opening: str, closing: str) -> None:
    outcomes = set()
    for levels in range(400, 1_020):
        item = f'{{"x": {opening * levels}7{closing * levels}}}'
        items: list[Any] = []
        try:
            for _, text in open_reader(f"[{item},{item}]").read_batches(items=2, characters=10_000):
                items += decode_rows(text)
        except JsonError as error:
            outcomes.add(str(error))
        else:
            outcomes.add("read")
            assert len(items) == 2

    assert outcomes == {"read", "it is nested too deep"}
