"""The queries behind documents, each written once for all callers who ask for documents of the same shape."""

from __future__ import annotations

import functools
from typing import Any

from django.db.models import Func, IntegerField, QuerySet

from importsvc.postgres.compiled_queries import CompiledQuery, Parameter

# As with shapes: clients choose freely, and of all possible queries those asked last are kept.
_QUERIES_KEPT = 1_000


@functools.lru_cache(_QUERIES_KEPT)
def compile_record(view_class: Any, parameters: tuple[str, ...], columns: tuple[str, ...]) -> CompiledQuery:
    """The record whose id is the parameter ``pk``; none if there is none for the caller.

    Args:
        view_class: has ``get_records()``.
        parameters: the names of what that has to know, which become parameters of the query.
        columns: what to read.
    """
    return CompiledQuery(_records(view_class, parameters).filter(pk=Parameter("pk")).values_list(*columns))


@functools.lru_cache(_QUERIES_KEPT)
def compile_first_page(
    view_class: Any, parameters: tuple[str, ...], columns: tuple[str, ...], order: tuple[str, ...], size: int
) -> CompiledQuery:
    """The first records of the caller, in this order; arguments as of ``compile_record``."""
    return CompiledQuery(_records(view_class, parameters).order_by(*order)[:size].values_list(*columns))


@functools.lru_cache(_QUERIES_KEPT)
def compile_count(view_class: Any, parameters: tuple[str, ...]) -> CompiledQuery:
    """How many records there are for the caller; arguments as of ``compile_record``."""
    count = Func(function="COUNT", template="%(function)s(*)", output_field=IntegerField())
    return CompiledQuery(_records(view_class, parameters).values_list(count))


def _records(view_class: Any, parameters: tuple[str, ...]) -> QuerySet[Any]:
    records: QuerySet[Any] = view_class.get_records({name: Parameter(name) for name in parameters})
    return records
