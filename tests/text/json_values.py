"""Valid and invalid JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Text that is not JSON, and the reason.
REFUSED: list[tuple[str | bytes, str]] = [
    ("", "line 1 column 1: Expecting value"),
    (" \n ", "line 2 column 2: Expecting value"),
    ("{'a': 1}", "line 1 column 2: Expecting property name enclosed in double quotes"),
    ('{"a": 1 "b": 2}', "line 1 column 9: Expecting ',' delimiter"),
    ('{"a" 1}', "line 1 column 6: Expecting ':' delimiter"),
    ('{"a": 1}\n\n{', "line 3 column 1: Extra data"),
    ('"a\tb"', "line 1 column 3: Invalid control character at"),
    ('"ab', "line 1 column 1: Unterminated string starting at"),
    ('"\\x"', "line 1 column 2: Invalid \\escape"),
    ("\ufeff{}", "line 1 column 1: Expecting value"),
    ("NaN", "NaN is not a JSON value"),
    ("[Infinity]", "Infinity is not a JSON value"),
    ('{"a": -Infinity}', "-Infinity is not a JSON value"),
    ("9" * 4_301, "it has a number of too many digits"),
    ("[" * 1_000_000, "it is nested too deep"),
    ('{"a":' * 1_000_000, "it is nested too deep"),
    (b'"\xff"', "it is not UTF-8"),
    ('"É"'.encode("latin-1"), "it is not UTF-8"),
    (b'"\xed\xa0\x80"', "it is not UTF-8"),
    (b'"\xc3', "it is not UTF-8"),
]

texts = st.text(max_size=5) | st.sampled_from(
    ['"},{"', "},", '}, "b": [', ":", "\\", "\\\\\\", "]}", "\ud800", "\ud83d\\", "É😀", "😀😀😀😀", "\x00", "x" * 50]
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | texts
members = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
items = st.dictionaries(texts, members, max_size=3) | members
arrays = st.lists(items, max_size=8)
objects = st.dictionaries(texts, arrays | members, max_size=3)

# Arguments of json.dumps.
spellings: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 1, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" ,\r\n", "\n: ")]),
        "ensure_ascii": st.booleans(),
    }
)
