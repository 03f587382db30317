"""The admin of importable types whose app registers none."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import CharField, ForeignKey, Model, TextField
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from importsvc.admin_site.records import RecordAdmin
from importsvc.imports.services import get_record_models


def register_record_admins() -> None:
    """Register an admin for the model of every importable type, unless its app has registered one."""
    for model in get_record_models():
        if not admin.site.is_registered(model):
            admin.site.register(model, _make_admin(model))


def _make_admin(model: type[Model]) -> type[RecordAdmin]:
    """An admin with all organizations in lists, a search in all texts, and all fields of the model in forms."""
    fields = model._meta.concrete_fields
    options = {
        "list_display": ["__str__", "shown_organization", "last_import", "id"],
        "list_select_related": ["organization"],
        "list_filter": [("organization", AutocompleteSelectFilter)],
        "list_filter_submit": True,
        "search_fields": ["id__exact", *(field.name for field in fields if isinstance(field, CharField | TextField))],
        "autocomplete_fields": ["organization"],
        # A list of choices would have all records of the other type.
        "raw_id_fields": [
            field.name for field in fields if isinstance(field, ForeignKey) and field.name != "organization"
        ],
        "readonly_fields": [field.name for field in fields if not field.editable],
    }
    return type(f"{model.__name__}Admin", (RecordAdmin,), options)
