"""The admin's sidebar, and the models that its search covers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.text import capfirst

from importsvc.imports.models import Import
from importsvc.imports.services import get_record_models
from organizations.models import Organization

# The pages on which staff import a file.
_START = {
    "title": "New import",
    "icon": "upload_file",
    "link": reverse_lazy("wizard:start"),
    # The theme would take the list of imports for it, whose URL ends like this one.
    "active": lambda request: False,
    "permission": lambda request: request.user.has_perms(["imports.view_import", "imports.add_import"]),
}


def get_searched_models() -> list[type[Model]]:
    """``Import``, the models of all importable types, each before the ones that it refers to, and ``Organization``."""
    return [Import, *reversed(get_record_models()), Organization]


def build_sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of links in the sidebar. Each link has the permission that it requires."""
    return [
        {"items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}]},
        {
            "title": "Data",
            "separator": True,
            "items": [
                _START,
                _link("Imports", "move_to_inbox", "imports.import"),
                _link("Files", "upload_file", "files.importfile"),
                _link("Saved mappings", "rule_settings", "files.importmodel"),
                _link("Operations", "pending_actions", "operations.operation"),
                *(_link_records(model) for model in reversed(get_record_models())),
            ],
        },
        {
            "title": "Webhooks",
            "separator": True,
            "items": [
                _link("Endpoints", "webhook", "webhooks.webhookendpoint"),
                _link("Deliveries", "outbox", "webhooks.webhookdelivery"),
            ],
        },
        {
            "title": "Access",
            "separator": True,
            "items": [
                _link("Organizations", "domain", "organizations.organization"),
                _link("Tokens", "key", "people.apitoken"),
                _link("Import links", "link", "import_sessions.importsession"),
                _link("Staff", "badge", "auth.user"),
                _link("Staff groups", "groups", "auth.group"),
            ],
        },
    ]


def _link_records(model: type[Model]) -> dict[str, Any]:
    title = capfirst(str(model._meta.verbose_name_plural)).replace("_", " ")
    icon = getattr(admin.site.get_model_admin(model), "icon", "table_rows")
    return _link(title, icon, model._meta.label_lower)


def _link(title: str, icon: str, label: str) -> dict[str, Any]:
    """A link to a list of records, shown to users with the permission to view them. ``icon`` is a Material Symbol."""
    app, model = label.split(".")
    permissions = [f"{app}.{verb}_{model}" for verb in ("view", "change")]
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": lambda request: any(map(request.user.has_perm, permissions)),
    }
