"""Strategies for unexpected input, for ``test_fuzz``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st

from tests.builders import PUBLISHED_ROWS
from tests.client import MEDIA_TYPE

# Numbers that JSON can express and Python's json.dumps cannot.
NUMBERS = ["1e400", "-1e400", "NaN", "-Infinity", "1" * 4_300, "1" * 5_000, "-0", "-0.0", "1E-400", "9e15", "1.0"]

surrogates = st.text(st.characters(), max_size=8)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    surrogates,
    st.sampled_from([f"raw:{number}" for number in NUMBERS]),
    st.sampled_from(["\x00", "\ud800", "\\N", "\\.", "\t\r\n", '"', "a,b", "x" * 256, "x" * 70_000, "USD", "7"]),
)
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(surrogates, inner, max_size=3), max_leaves=6
)


def dump(value: Any) -> str:
    """The value as JSON, with these numbers written as they are."""
    return re.sub(r'"raw:([^"]*)"', r"\1", json.dumps(value))


def document(import_data: Any) -> dict[str, Any]:
    """A document that creates an import if its rows are valid."""
    attributes = {"import_data": import_data, "sample": True, "import_model_id": 7}
    return {"data": {"type": "imports", "attributes": attributes, "relationships": {}}}


bodies = st.one_of(
    st.binary(max_size=50),
    json_values.map(lambda value: dump(value).encode()),
    st.integers(0, 300).map(lambda length: dump(document(PUBLISHED_ROWS)).encode()[:length]),
    st.sampled_from(["utf-16", "utf-32", "latin-1", "utf-7", "utf-8-sig", "cp037"]).map(
        lambda charset: dump(document({"company": [{"name": "Ä"}]})).encode(charset)
    ),
    st.sampled_from(["[", '{"data":', '{"a":[', '{"data":{"type":"imports","attributes":{"import_data":[']).map(
        lambda opening: opening.encode() * 100_000
    ),
    st.integers(900, 1_100).map(lambda depth: b'{"data":' + b"[" * depth + b"]" * depth + b"}"),
    st.integers(10, 1_100).map(
        lambda depth: (
            dump(document({"company": [{"name": "A", "custom_fields": "@"}]}))
            .replace('"@"', '{"a":' * depth + "1" + "}" * depth)
            .encode()
        )
    ),
)


HEADERS = {
    "company": ["name", "default_currency", "description", "due_days", "tag_list", "custom_fields"],
    "person": ["First Name", "last-name", "EMAIL", "title", "Company", "tag list", "customFields"],
}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
cells: Mapping[str, st.SearchStrategy[Any]] = {
    "name": texts,
    "default_currency": st.sampled_from(["usd", "EUR", None]),
    "due_days": st.integers(0, 2**31 - 1) | st.none(),
    "EMAIL": st.integers(0, 9).map("somebody{}@example.com".format) | st.none(),
    "Company": st.sampled_from(["acme", "ACME", "", None]),
    "tag_list": st.lists(texts, max_size=3),
    "tag list": texts,
    "custom_fields": st.dictionaries(texts, texts | st.integers() | st.floats(allow_nan=False), max_size=3),
    "customFields": st.none() | st.dictionaries(texts, st.lists(texts | st.booleans(), max_size=2), max_size=2),
}


def rows(type_name: str) -> st.SearchStrategy[list[Any]]:
    """Rows that are mostly valid."""
    columns = {header: cells.get(header, texts) for header in HEADERS[type_name]}
    required = {header: columns.pop(header) for header in ("name", "First Name") if header in columns}
    return st.lists(st.fixed_dictionaries(required, optional=columns), min_size=1, max_size=3)


good_trees = st.fixed_dictionaries({}, optional={name: rows(name) for name in HEADERS})
headers = [*HEADERS["company"], *HEADERS["person"]]
wild_rows = st.dictionaries(st.sampled_from(headers) | surrogates, json_values, max_size=4)
wild_trees = st.dictionaries(
    st.sampled_from(list(HEADERS)) | surrogates, st.lists(wild_rows | json_values, max_size=3) | json_values, max_size=3
)


FILTERS = ["sample", "import_model_id", "id", "email", "name", "import_id", "company_id", ""]
PARAMETERS = ["filter", "sort", "include", "fields[imports]", "fields[people]", "page[number]", "page[size]", "page[]"]
names = st.tuples(st.sampled_from([*(f"filter[{name}]" for name in FILTERS), *PARAMETERS]), st.sampled_from(["", "[]"]))
values = st.one_of(
    st.sampled_from(["1", "true", "null", "id", "-id", "creator", "creator.company", "", ",", "1,2", "9" * 30]),
    st.binary(max_size=6).map(quote_from_bytes),
    surrogates.map(lambda text: quote(text, errors="surrogatepass")),
)
queries = st.lists(st.tuples(names.map("".join) | values, values).map("=".join), max_size=4).map("&".join)


ids = st.one_of(
    st.integers().map(str),
    st.sampled_from(["0", "-1", "01", "1e5", "1.0", "٣", "9" * 19, "9" * 5_000, "%00", "%FF", "%0A", "..", "None"]),
    st.binary(max_size=6).map(lambda binary: quote_from_bytes(binary, safe="")),
)


media_types = st.sampled_from([MEDIA_TYPE, "*/*", "text/plain", "multipart/form-data", "application/*", ""])
parameters = st.tuples(
    st.sampled_from(["charset", "q", "ext", "profile", "boundary", "charset*", "x*0", "x*1*", "*", ""]),
    st.sampled_from(["utf-8", "utf-16", "hex", "idna", "0", "nan", "1e9", "bulk", "utf-8''a", "nope''a", '"', '"a,b"']),
).map("=".join)
media_ranges = st.lists(
    st.tuples(media_types, st.lists(parameters, max_size=3)).map(lambda parts: "; ".join([parts[0], *parts[1]])),
    max_size=3,
).map(",".join)
header_text = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
