"""Query parameters that an endpoint does not support, or cannot read (contract, sections 2.2 and 2.3)."""

from __future__ import annotations

import pytest

from tests.client import ApiClient, assert_error


@pytest.mark.parametrize(
    ("path", "what", "detail", "parameter"),
    [
        ("imports?filter[name]=x", "filter", "Filter 'name'", "filter[name]"),
        ("imports?filter[name][]=x", "filter", "Filter 'name'", "filter[name][]"),
        ("imports?filter[]=x", "filter", "Filter ''", "filter[]"),
        ("imports/1?filter[sample]=true", "filter", "Filter 'sample'", "filter[sample]"),
        ("people?filter[sample]=true", "filter", "Filter 'sample'", "filter[sample]"),
        ("imports?sort=creator", "sort", "Sort by 'creator'", "sort"),
        ("imports?sort=id,-nothing", "sort", "Sort by '-nothing'", "sort"),
        ("imports?sort=--id", "sort", "Sort by '--id'", "sort"),
        ("imports?sort=id,,", "sort", "Sort by ''", "sort"),
        ("imports/1?sort=id", "sort", "Sort by 'id'", "sort"),
        ("companies?sort=started_at", "sort", "Sort by 'started_at'", "sort"),
        ("imports?include=organization", "include", "Include 'organization'", "include"),
        ("imports/1?include=creator,nobody", "include", "Include 'nobody'", "include"),
        ("imports?include=creator,", "include", "Include ''", "include"),
        ("imports?include=,", "include", "Include ''", "include"),
        ("companies?include=organization", "include", "Include 'organization'", "include"),
        ("imports?banana=1", "parameter", "Parameter 'banana'", "banana"),
        ("imports?filter=x", "parameter", "Parameter 'filter'", "filter"),
        ("imports?sort[]=id", "parameter", "Parameter 'sort[]'", "sort[]"),
        ("imports?include[]=creator", "parameter", "Parameter 'include[]'", "include[]"),
        ("imports?page=1", "parameter", "Parameter 'page'", "page"),
        ("imports?page[limit]=1", "parameter", "Parameter 'page[limit]'", "page[limit]"),
        ("imports?page[number][]=1", "parameter", "Parameter 'page[number][]'", "page[number][]"),
        ("imports/1?page[number]=1", "parameter", "Parameter 'page[number]'", "page[number]"),
        ("imports?fields[deals]=name", "parameter", "Parameter 'fields[deals]'", "fields[deals]"),
        ("imports?fields[imports]=import_data", "parameter", "Field 'import_data' of 'imports'", "fields[imports]"),
        ("imports?fields[imports]=sample,", "parameter", "Field '' of 'imports'", "fields[imports]"),
        ("people?fields[companies]=sample", "parameter", "Field 'sample' of 'companies'", "fields[companies]"),
        (f"imports?{'x' * 101}=1", "parameter", f"Parameter '{'x' * 100}…'", f"{'x' * 100}…"),
        ("imports?%00=1", "parameter", "Parameter '\N{REPLACEMENT CHARACTER}'", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_an_unsupported_query_parameter_is_named(
    api: ApiClient, path: str, what: str, detail: str, parameter: str
) -> None:
    assert_error(
        api.get(path),
        400,
        f"unsupported_{what}",
        f"{detail} is not supported on this endpoint",
        source={"parameter": parameter},
    )


@pytest.mark.parametrize("parameter", ["sort", "include", "fields[imports]", "page[number]", "page[size]"])
def test_a_parameter_that_has_one_value_is_not_given_twice(api: ApiClient, parameter: str) -> None:
    value = {"sort": "id", "include": "creator", "fields[imports]": "sample"}.get(parameter, "1")

    assert_error(
        api.get(f"imports?{parameter}={value}&{parameter}={value}"),
        400,
        "unsupported_parameter",
        f"Parameter '{parameter}' is given twice",
        source={"parameter": parameter},
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("imports?filter[sample]=banana", "sample"),
        ("imports?filter[sample]=True", "sample"),
        ("imports?filter[sample]=", "sample"),
        ("imports?filter[import_model_id]=x", "import_model_id"),
        ("imports?filter[import_model_id]=1,,2", "import_model_id"),
        ("imports?filter[import_model_id]=-1", "import_model_id"),
        ("imports?filter[import_model_id]=1.5", "import_model_id"),
        ("imports?filter[import_model_id]=%D9%A3", "import_model_id"),
        (f"imports?filter[import_model_id]={'1' * 5_000}", "import_model_id"),
        ("people?filter[import_id]=x", "import_id"),
        ("people?filter[email]=%00", "email"),
        ("companies?filter[name]=", "name"),
    ],
)
def test_a_value_that_a_filter_cannot_read_is_refused(api: ApiClient, path: str, name: str) -> None:
    assert_error(
        api.get(path),
        400,
        "unsupported_filter_value",
        f"Filter '{name}' does not support this value",
        source={"parameter": f"filter[{name}]"},
    )


@pytest.mark.parametrize("name", ["number", "size"])
@pytest.mark.parametrize("value", ["0", "00", "-1", "+1", "1.5", "x", "", "%201", "%D9%A3", "1" * 5_000])
def test_a_page_that_is_not_a_positive_integer_is_invalid(api: ApiClient, name: str, value: str) -> None:
    assert_error(
        api.get(f"imports?page[{name}]={value}"),
        400,
        "invalid_page",
        f"'page[{name}]' must be a positive integer",
        source={"parameter": f"page[{name}]"},
    )
