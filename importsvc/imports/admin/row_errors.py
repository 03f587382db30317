"""The errors of staged rows on the page of an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from importsvc.imports.models import Import, StagedRowError
from importsvc.imports.services import select_errors, summarize_errors

ERRORS_PAGE_SIZE = 50

# The query parameters that choose a group of errors, and what they choose.
_FILTERS = {"error_type": "record_type", "error_column": "column", "error_code": "code"}


@dataclass(frozen=True)
class ErrorTable:
    """The errors of an import: groups of equal ones with the query of each, and a page of single ones.

    ``chosen`` is the query of the shown group; empty if all errors are shown.
    """

    groups: Sequence[tuple[Mapping[str, Any], str]]
    page: Page[StagedRowError]
    chosen: str


def read_errors(import_: Import, query: Mapping[str, str]) -> ErrorTable | None:
    """The errors of an import, of the group that the query names or of all; ``None`` if the import keeps none."""
    if import_.error_count is None:
        return None
    given = {name: query[name] for name in _FILTERS if name in query and "\x00" not in query[name]}
    errors = select_errors(import_).filter(**{_FILTERS[name]: value for name, value in given.items()})
    paginator = Paginator(errors.order_by("record_type", "row", "number"), ERRORS_PAGE_SIZE)
    groups = [(group, _write_query(group)) for group in summarize_errors(import_)]
    return ErrorTable(groups, paginator.get_page(query.get("errors_page")), urlencode(given))


def _write_query(group: Mapping[str, Any]) -> str:
    return urlencode({name: group[of] for name, of in _FILTERS.items() if group[of] is not None})
