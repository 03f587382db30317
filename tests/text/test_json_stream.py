"""JSON read from a stream gives the same values and errors as the whole text, however it is split into parts."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importsvc.text import json_stream
from importsvc.text.json_rows import decode_rows
from importsvc.text.json_stream import JsonError, JsonReader
from importsvc.text.strict_json import AmbiguousObject, read_json
from importsvc.text.text_stream import read_parts, read_utf8
from tests.text.json_values import REFUSED, arrays, items, objects, spellings, texts

# Longer than two escapes and part of a third, but shorter than most texts here.
SHORT_READ = 24

part_sizes = st.lists(st.sampled_from([1, 2, 3, 7, SHORT_READ, 100]), min_size=1, max_size=4)
damages = st.sampled_from(["", ",", "}", "]", '"', " ", "[", ":", "{}", "x", "\\", "\\u12", "\x01", "\n", "1", "NaN"])


@pytest.fixture(autouse=True, scope="module")
def _short_reads() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "READ_SIZE", SHORT_READ)
        yield


def cut(source: str, sizes: list[int]) -> Iterator[str]:
    """The text in parts of these sizes, repeated."""
    start = 0
    while start < len(source):
        for size in sizes:
            yield source[start : start + size]
            start += size


def open_reader(source: str, sizes: list[int] | None = None) -> JsonReader:
    return JsonReader(read_parts(cut(source, sizes or [1])))


def read_items(reader: JsonReader, *, count: int = 2, characters: int = 128) -> list[Any]:
    """The items of an array that is read in batches."""
    read = []
    for batch_count, text in reader.read_batches(items=count, characters=characters):
        rows = decode_rows(text)
        assert len(rows) == batch_count <= count
        read += rows
    return read


def read_object(reader: JsonReader) -> list[tuple[str, Any]]:
    return [(name, reader.read_value()) for name in reader.read_members()]


def find_problem(read: Callable[[], object]) -> str | None:
    """The reason why the text is refused, if it is."""
    try:
        read()
    except ValueError as error:
        return str(error)
    return None


def read_to_end(reader: JsonReader, read: Callable[[JsonReader], Any]) -> Any:
    value = read(reader)
    reader.expect_end()
    return value


# --- the values ------------------------------------------------------------------------------------------------------


@given(items, spellings, part_sizes)
@example(1.5, {}, [1])
@example([1e-05], {}, [SHORT_READ])
@settings(deadline=None, max_examples=200)
def test_a_value_equals_the_one_read_from_the_whole_text(
    value: object, spelling: dict[str, Any], sizes: list[int]
) -> None:
    source = json.dumps(value, **spelling)

    assert read_to_end(open_reader(source, sizes), JsonReader.read_value) == read_json(source)
    assert read_to_end(open_reader(source, sizes), JsonReader.skip_value) is None


@pytest.mark.parametrize("number", ["1.5", "-0.25", "1e5", "1E+5", "1.5e-05", "12", "0", f"{'9' * 4_301}.0"])
@pytest.mark.parametrize("spaces", range(SHORT_READ + 1))
def test_a_number_is_read_to_its_end_wherever_a_part_ends(number: str, spaces: int) -> None:
    space = " " * spaces

    assert open_reader(f'{{"a":{space}{number}}}', [SHORT_READ]).read_value() == {"a": json.loads(number)}
    assert read_object(open_reader(f'{{"a":{space}{number}}}', [SHORT_READ])) == [("a", json.loads(number))]
    assert open_reader(f"{space}{number}", [SHORT_READ]).read_value() == json.loads(number)


@given(arrays, spellings, part_sizes, st.integers(1, 5), st.sampled_from([64, 128, 100_000]))
@settings(deadline=None, max_examples=200)
def test_batches_have_the_items_of_the_array_and_their_text(
    array: list[Any], spelling: dict[str, Any], sizes: list[int], count: int, characters: int
) -> None:
    source = json.dumps(array, **spelling)
    reader = open_reader(source, sizes)

    batches = list(reader.read_batches(items=count, characters=characters))

    reader.expect_end()
    assert [item for _, text in batches for item in decode_rows(text)] == read_json(source)
    assert [len(decode_rows(text)) for _, text in batches] == [number for number, _ in batches]
    assert all(1 <= number <= count and text in source for number, text in batches)
    assert all(number == 1 or len(text) <= characters for number, text in batches)


def test_after_a_long_item_batches_are_as_long_as_before() -> None:
    long, short = json.dumps("x" * 5_000), json.dumps("x" * 200)
    source = f"[{','.join([short] * 1_000)},{long},{','.join([short] * 1_000)}]"

    counts = [count for count, _ in open_reader(source, [10_000]).read_batches(items=100, characters=4_000)]

    assert sum(counts) == 2_001
    assert max(counts[: len(counts) // 2]) == max(counts[len(counts) // 2 :]) > 10
    assert counts.count(1) <= 5


@given(objects, spellings, part_sizes)
@settings(deadline=None, max_examples=200)
def test_members_come_in_order_and_their_values_are_read_or_skipped(
    value: dict[str, Any], spelling: dict[str, Any], sizes: list[int]
) -> None:
    source = json.dumps(value, **spelling)

    assert read_to_end(open_reader(source, sizes), read_object) == list(value.items())
    reader = open_reader(source, sizes)
    for name in reader.read_members():
        if isinstance(value[name], list):
            assert read_items(reader) == value[name]
        else:
            reader.skip_value()
    reader.expect_end()


def test_repeated_members_are_all_read() -> None:
    assert read_object(open_reader('{"a": 1, "\\u0061": 2, "a": 3}')) == [("a", 1), ("a", 2), ("a", 3)]


@given(st.lists(texts, max_size=10).map("".join), st.booleans(), part_sizes)
@settings(deadline=None, max_examples=150)
def test_a_string_is_read_in_parts(text: str, ascii_only: bool, sizes: list[int]) -> None:
    source = json.dumps(text, ensure_ascii=ascii_only)
    reader = open_reader(f"{source} ", sizes)

    assert "".join(reader.read_text()) == json.loads(source)
    reader.expect_end()


@pytest.mark.parametrize(
    "escapes", ["\\ud83d\\ude00", "\\\\", "\\\\\\ud83d\\ude00", "\\ud83d", "\\ude00\\ud83d", '\\"']
)
@pytest.mark.parametrize("start", range(SHORT_READ))
def test_escapes_are_whole_wherever_a_part_ends(escapes: str, start: int) -> None:
    source = f'"{"x" * start}{escapes * 20}"'

    for size in (1, SHORT_READ, SHORT_READ + 1):
        assert "".join(open_reader(source, [size]).read_text()) == json.loads(source)


def test_peeking_gives_the_first_character_of_the_next_value() -> None:
    reader = open_reader(' \n {"a": 1}\t')

    assert reader.peek() == reader.peek() == "{"
    assert reader.read_value() == {"a": 1}
    assert reader.peek() == reader.peek() == ""


# --- objects that name a member twice --------------------------------------------------------------------------------


def describe(value: Any) -> str:
    """The value as text in which ambiguous objects are marked."""
    if isinstance(value, list):
        return f"[{', '.join(map(describe, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{name!r}: {describe(member)}" for name, member in value.items())
        return f"{{{inner}}}" + (f" twice {value.repeated}" if isinstance(value, AmbiguousObject) else "")
    return repr(value)


@pytest.mark.parametrize(
    "row",
    [
        '{"x": 1, "x": 2}',
        '{"x": 1, "\\u0078": 1}',
        '{"y": {"x": 1, "x": 2}}',
        '{"y": [{"x": 1}, {"x": 1, "x": 1}]}',
        '{"a:b": ":", "x": 1, "x": 1}',
        '[{"x": 1, "x": 1}]',
    ],
)
def test_an_object_with_a_repeated_member_is_marked_as_ambiguous(row: str) -> None:
    source = f'[{{"z": 1}},{row},{{"z": 2}}]'
    read = describe(read_json(source))

    assert "twice" in read
    assert describe(open_reader(source).read_value()) == read
    assert describe(decode_rows(source[1:-1])) == read
    for count in (1, 3):
        assert describe(read_items(open_reader(source), count=count)) == read


# --- text that is not JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "problem"), REFUSED)
@pytest.mark.parametrize("read", [JsonReader.read_value, JsonReader.skip_value])
def test_text_that_is_not_json_is_refused_with_a_reason(
    source: str | bytes, problem: str, read: Callable[[JsonReader], Any]
) -> None:
    content = source if isinstance(source, bytes) else source.encode()

    with pytest.raises(JsonError, match=f"^{re.escape(problem)}$"):
        read_to_end(JsonReader(read_utf8(io.BytesIO(content))), read)


@given(objects | arrays | items, spellings, st.data(), part_sizes)
@settings(deadline=None, max_examples=200)
def test_a_damaged_text_is_refused_exactly_as_the_whole_text_is(
    value: object, spelling: dict[str, Any], data: st.DataObject, sizes: list[int]
) -> None:
    source = json.dumps(value, **spelling)
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 3)) | st.just(len(source)))
    source = source[:start] + data.draw(damages) + source[end:]
    problem = find_problem(lambda: read_json(source))

    def find_problem_of(read: Callable[[JsonReader], Any]) -> str | None:
        return find_problem(lambda: read_to_end(open_reader(source, sizes), read))

    assert find_problem_of(JsonReader.read_value) == problem
    assert find_problem_of(JsonReader.skip_value) == problem
    if source.startswith("["):
        assert find_problem_of(read_items) == problem
    if source.startswith("{"):
        assert find_problem_of(read_object) == problem


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    "source", ['"\\u0011', '"ab\\u0011', '"\\u001', '"\\ud800\\udc00', '"\\ud800', '"a', '"', '"\\', '"\\n']
)
def test_a_string_that_is_cut_off_is_refused_exactly_as_the_whole_text_is(source: str, size: int) -> None:
    problem = find_problem(lambda: read_to_end(open_reader(source, [size]), lambda it: list(it.read_text())))

    assert problem == find_problem(lambda: read_json(source))


@given(st.lists(texts, max_size=10).map("".join), st.booleans(), st.data(), part_sizes)
@settings(deadline=None, max_examples=150)
def test_a_damaged_string_is_refused_exactly_as_the_whole_text_is(
    text: str, ascii_only: bool, data: st.DataObject, sizes: list[int]
) -> None:
    source = json.dumps(text, ensure_ascii=ascii_only)
    start = data.draw(st.integers(1, len(source)))
    source = source[:start] + data.draw(damages) + source[data.draw(st.integers(start, len(source))) :]

    problem = find_problem(lambda: read_to_end(open_reader(source, sizes), lambda it: list(it.read_text())))

    assert problem == find_problem(lambda: read_json(source))


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("[]", lambda reader: list(reader.read_members())),
        ("7", lambda reader: list(reader.read_batches(items=1, characters=64))),
        ("{}", lambda reader: list(reader.read_text())),
    ],
)
def test_a_value_of_another_kind_than_expected_is_refused(source: str, read: Callable[[JsonReader], Any]) -> None:
    with pytest.raises(JsonError, match=r"^line 2 column 1: Expecting value$"):
        read(open_reader(f"\n{source}"))
