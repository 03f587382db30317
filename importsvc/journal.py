"""Where the journal of imports is, for those who may not import the app that it lives in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model, QuerySet

# What an import did to a record, and what its revert made of that where it is not what was to be expected.
CREATED = "created"
UPDATED = "updated"
KEPT = "kept"
GONE = "gone"


def get_journal_model() -> type[Model]:
    """The model named by ``settings.JOURNAL_MODEL``, as ``get_user_model`` is for users.

    Its table has the columns import_id, record_type, record_id, row, action, before and after, and for
    what a revert made of it outcome and kept_fields. The model of the imports that it names has ``shared_values``.
    """
    return apps.get_model(settings.JOURNAL_MODEL)


def read_shared_values(import_id: int) -> dict[str, dict[str, Any]]:
    """What all records of a type that an import created got alike, by type and column of the table (see ``load``)."""
    owner: Any = get_journal_model()._meta.get_field("import_record").related_model
    shared: dict[str, dict[str, Any]] = owner._default_manager.values_list("shared_values", flat=True).get(pk=import_id)
    return shared


def created_by_imports(type_name: str, import_ids: Collection[int]) -> QuerySet[Any, Any]:
    """The ids of the records of a type that these imports created, for use as a subquery.

    Not scoped to an organization: filter a scoped queryset with it.
    """
    changes = get_journal_model()._default_manager.filter(
        import_record__in=import_ids, record_type=type_name, action=CREATED
    )
    return changes.values("record_id")
