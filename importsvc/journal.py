"""Where the journal of imports is, for those who may not import the app that it lives in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model, QuerySet

CREATED = "created"


def get_journal_model() -> type[Model]:
    """The model named by ``settings.JOURNAL_MODEL``, as ``get_user_model`` is for users.

    Its table has the columns import_id, record_type, record_id, row, action, before and after.
    """
    return apps.get_model(settings.JOURNAL_MODEL)


def created_by_imports(type_name: str, import_ids: Collection[int]) -> QuerySet[Any, Any]:
    """The ids of the records of a type that these imports created, for use as a subquery.

    Not scoped to an organization: filter a scoped queryset with it.
    """
    changes = get_journal_model()._default_manager.filter(
        import_record__in=import_ids, record_type=type_name, action=CREATED
    )
    return changes.values("record_id")
