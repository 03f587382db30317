"""The compiled queries of documents, each shared by all requests for documents of the same shape."""

from __future__ import annotations

import functools
from typing import Any

from django.db.models import Func, IntegerField, QuerySet

from importsvc.postgres.compiled_queries import CompiledQuery, Parameter

# The number of cached queries of each kind: clients choose fields and includes freely.
_CACHED_QUERIES = 1_000


@functools.lru_cache(_CACHED_QUERIES)
def compile_record(view_class: Any, parameters: tuple[str, ...], columns: tuple[Any, ...]) -> CompiledQuery:
    """The record whose id is the parameter ``pk``; no row if the caller may not read it.

    ``parameters`` are the names of the parameters of ``view_class.get_records()``, and become those of the query.
    """
    return CompiledQuery(_records(view_class, parameters).filter(pk=Parameter("pk")).values_list(*columns))


@functools.lru_cache(_CACHED_QUERIES)
def compile_first_page(
    view_class: Any, parameters: tuple[str, ...], columns: tuple[Any, ...], order: tuple[str, ...], size: int
) -> CompiledQuery:
    """The first records that the caller may read, in this order; for other arguments see ``compile_record``."""
    return CompiledQuery(_records(view_class, parameters).order_by(*order)[:size].values_list(*columns))


@functools.lru_cache(_CACHED_QUERIES)
def compile_count(view_class: Any, parameters: tuple[str, ...]) -> CompiledQuery:
    """The number of records that the caller may read; for arguments see ``compile_record``."""
    count = Func(function="COUNT", template="%(function)s(*)", output_field=IntegerField())
    return CompiledQuery(_records(view_class, parameters).values_list(count))


def _records(view_class: Any, parameters: tuple[str, ...]) -> QuerySet[Any]:
    records: QuerySet[Any] = view_class.get_records({name: Parameter(name) for name in parameters})
    return records
