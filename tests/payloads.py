"""Strategies for rows as JSON text: valid ones and every kind of invalid one, for ``test_reference``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hypothesis import strategies as st


class Members(tuple[tuple[str, Any], ...]):
    """A JSON object to be written, which may name a member twice."""

    __slots__ = ()


class Raw(NamedTuple):
    """JSON to be written as it is."""

    text: str


@dataclass(frozen=True)
class Spelling:
    """A way to write JSON: white space, and whether letters are escaped."""

    space: str
    escape: bool
    hide_types: bool

    def write(self, value: Any) -> str:
        """The value as JSON."""
        if isinstance(value, Raw):
            return value.text
        if isinstance(value, Members):
            return self._join("{", [f"{self.write(name)}{self.space}:{self.write(each)}" for name, each in value], "}")
        if isinstance(value, list):
            return self._join("[", list(map(self.write, value)), "]")
        if isinstance(value, dict):
            return self.write(Members(value.items()))
        return json.dumps(value, ensure_ascii=self.escape)

    def write_payload(self, payload: Members) -> str:
        """The payload as JSON; the names of types may have escapes, which are valid but unusual."""
        members = []
        for name, rows in payload:
            written = f'"\\u{ord(name[0]):04x}{name[1:]}"' if self.hide_types else json.dumps(name)
            members.append(f"{written}{self.space}:{self.space}{self.write(rows)}")
        return self._join("{", members, "}")

    def _join(self, opening: str, parts: list[str], closing: str) -> str:
        return f"{opening}{self.space}{f',{self.space}'.join(parts)}{self.space}{closing}"


spellings = st.builds(
    Spelling, st.sampled_from(["", " ", "\n\t"]), st.booleans(), st.sampled_from([False] * 9 + [True])
)

# --- good cells ------------------------------------------------------------------------------------------------------

ODD_TEXTS = [
    "a\tb\nc\rd",
    "\\",
    "\\N",
    "\\.",
    "\\n",
    '"},{"',
    '"}, "person": [',
    "{}:,[]",
    "NULL",
    "'%s'",
    "👩\u200d👩\u200d👧",
    "😀",
    "e\u0301",
    "É",
    "ß",
    "a\u00a0b",
    "a\u3000b",
    "a\u2028b",
    "\ufeff",
    "007",
    "1e3",
    "\x7f",
    "\x1f.",
    "x" * 255,
    "😀" * 255,
]
SPACES = ["", "", "", " ", "\t", "\n", "\u00a0", "\u3000", "\u2028"]
storable = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
words = (st.sampled_from(ODD_TEXTS) | storable).filter(str.strip)
padded = st.tuples(st.sampled_from(SPACES), words, st.sampled_from(SPACES)).map("".join)
# Only PostgreSQL decides which of these are equal.
CASED = [*"ßẞſsSİiIıKkσςΣéÉǅ", "\u212a", "ss", "e\u0301", "E\u0301"]
cased = st.lists(st.sampled_from(CASED), min_size=1, max_size=2).map("".join)
BY_HAND = ["By hand", "BY HAND", "Twice", "tWICE", "École", "ÉCOLE", "Acme"]
names = st.tuples(cased, st.integers(0, 9)).map(lambda parts: f"{parts[0]}{parts[1]}") | padded
addresses = st.one_of(
    st.tuples(cased, st.integers(0, 99)).map(lambda parts: f"{parts[0]}{parts[1]}@acme.test"),
    st.integers(0, 99).map(" Somebody.{}@Mail.Example ".format),
    st.sampled_from(["o'hara+x@a-b.co", "名前@例え.テスト", "संपर्क@डाटामेल.भारत", f"{'a' * 64}@{'b' * 63}.com"]),
)
blanks = st.sampled_from([None, "", " ", "\u00a0\t"])
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([Raw("1.50"), Raw("-0"), Raw("1E2"), Raw("1e-400"), Raw("9" * 40)]),
        words,
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(storable, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(storable, json_values, max_size=2)
tags = st.lists(padded | blanks, max_size=3) | st.lists(words, max_size=3).map(",".join).filter(lambda t: len(t) < 255)

GOOD: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "company": {
        "default_currency": st.sampled_from(["EUR", " usd", "Jpy"]) | blanks,
        "description": padded | st.just("x" * 300) | blanks,
        "due_days": st.integers(0, 2**31 - 1) | st.sampled_from(["0", " 30", 7.0, Raw("1e2"), Raw("-0")]) | blanks,
        "tag_list": tags | blanks,
        "invoice_email_recipients": objects | blanks,
        "custom_fields": objects | blanks,
        "external_id": names | blanks,
    },
    "person": {
        "last_name": padded | blanks,
        "email": addresses | blanks,
        "title": padded | blanks,
        "tag_list": tags | blanks,
        "custom_fields": objects | blanks,
        "external_id": names | blanks,
    },
}
REQUIRED = {"company": ("name", names), "person": ("first_name", padded)}


def spell_header(name: str) -> st.SearchStrategy[str]:
    """The name of a column in one of the accepted spellings."""
    title = name.replace("_", " ").title()
    return st.sampled_from(
        [name, name, name, title, name.upper().replace("_", "-"), f"\u00a0{title.replace(' ', '')}_"]
    )


# --- bad cells -------------------------------------------------------------------------------------------------------

deep: Any = {}
for _ in range(20):
    deep = {"a": deep}
UNFIT: list[Any] = [
    "a\x00b",
    "\ud800",
    "a\udfff",
    "x" * 256,
    "😀" * 256,
    "x" * 70_000,
    7,
    1.5,
    -1,
    True,
    False,
    2**31,
    10**30,
    Raw("1e400"),
    Raw("1.0000000000000001"),
    "1.5",
    "-1",
    "٣",
    "9" * 255,
    "XXX",
    "uſd",
    [],
    ["a", 1],
    ["\x00"],
    [["a"]],
    {},
    deep,
    Members([("a", 1), ("a", 2)]),
    {"b": [Members([("a", 1), ("a", 1)])]},
    {"a": "\udc00"},
    {"a\x00": 1},
    "ada@acme",
    "ada@@acme.test",
    "a..b@acme.test",
    f"{'a' * 65}@acme.test",
    f"ada@{'b' * 64}.com",
    f"{'a' * 64}@{'.'.join(['d' * 60] * 3)}.{'d' * 7}",
    "nobody's company",
]
unfit = st.sampled_from(UNFIT) | blanks
headers = st.sampled_from(["", " _-", "Surname", "surname", "id", "organization_id", "x" * 120, "a\x00\ud800", "Ｎame"])


@st.composite
def rows(draw: st.DrawFn, type_name: str, companies: list[str], *, spoilt: bool) -> list[Any]:
    """Rows of a type; with ``spoilt``, some of them may be invalid."""
    required, required_cells = REQUIRED[type_name]
    cells = dict(GOOD[type_name])
    if type_name == "person":
        cells["company"] = st.sampled_from([*companies, *BY_HAND[:2], "École"]) | blanks
    made: list[Any] = []
    for _ in range(draw(st.integers(0 if type_name == "company" else 1, 6))):
        row = [(required, draw(required_cells))]
        row += [(name, draw(cells[name])) for name in draw(st.lists(st.sampled_from(list(cells)), unique=True))]
        if type_name == "company":
            companies.append(row[0][1])
        if spoilt and draw(st.integers(0, 3)) == 0:
            made.append(draw(_spoil(row, [required, *cells])))
        else:
            made.append(Members((draw(spell_header(name)), cell) for name, cell in draw(st.permutations(row))))
    return made


@st.composite
def _spoil(draw: st.DrawFn, row: list[tuple[str, Any]], columns: list[str]) -> Any:
    """A row that is invalid, or at the edge of it."""
    column = draw(st.sampled_from(columns))
    how = draw(st.sampled_from(["no object", "unknown", "twice", "twice", "cell", "cell", "cell", "cell", "known"]))
    if how == "no object":
        return draw(st.sampled_from([None, 1, "a", [], ["a"], True, Raw("1e400")]))
    if how == "unknown":
        added = [(draw(headers), draw(unfit | padded)) for _ in range(draw(st.integers(1, 3)))]
        return Members(draw(st.permutations([*row, *added])))
    if how == "twice":
        remaining = [(name, cell) for name, cell in row if name != column]
        twice = [(draw(spell_header(column)), draw(unfit | padded)) for _ in range(2)]
        return Members(draw(st.permutations([*remaining, *twice])))
    known = st.sampled_from([*BY_HAND, "OWN@acme.test", "é@ACME.test", "id-1", "ID-1"])
    cell = draw(known if how == "known" else unfit)
    return Members([*((name, value) for name, value in row if name != column), (column, cell)])


@st.composite
def payloads(draw: st.DrawFn, *, spoilt: bool) -> str:
    """Import data as text: rows that are mostly valid, or partly invalid."""
    companies: list[str] = []
    company_rows = draw(rows("company", companies, spoilt=spoilt))
    members = [("person", draw(rows("person", companies, spoilt=spoilt)))]
    names_companies = draw(st.booleans())
    if company_rows or names_companies:
        members.insert(draw(st.integers(0, 1)), ("company", company_rows))
    return draw(spellings).write_payload(Members(members))
