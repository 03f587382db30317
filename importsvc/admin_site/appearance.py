"""How the admin looks: its name, its sidebar, what its search finds. The settings take ``UNFOLD`` from here.

Nothing of it comes from anywhere else: fonts, icons and scripts are static files of the packages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(label: str) -> Callable[[HttpRequest], bool]:
    app, model = label.split(".")

    def may_view(request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))

    return may_view


def _link(title: str, icon: str, label: str) -> dict[str, Any]:
    """An entry of the sidebar: a list of records, for those who may see it. The icon's name is of Material Symbols."""
    url = reverse_lazy(f"admin:{label.replace('.', '_')}_changelist")
    return {"title": title, "icon": icon, "link": url, "permission": _may_view(label)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "importsvc",
    "SITE_HEADER": "importsvc",
    "SITE_SUBHEADER": "Imports, and how to undo them",
    "SITE_SYMBOL": "move_to_inbox",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("importsvc/icon.svg")}],
    # There is no site beside the API.
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SCRIPTS": [lambda request: static("importsvc/copy.js")],
    "DASHBOARD_CALLBACK": "importsvc.imports.admin.home.add_state_of_things",
    "COMMAND": {"search_models": ["imports.import", "people.person", "companies.company"]},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            {"items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}]},
            {
                "title": "Data",
                "separator": True,
                "items": [
                    _link("Imports", "move_to_inbox", "imports.import"),
                    _link("People", "group", "people.person"),
                    _link("Companies", "apartment", "companies.company"),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [
                    _link("Organizations", "domain", "organizations.organization"),
                    _link("Tokens", "key", "people.apitoken"),
                    _link("Staff", "badge", "auth.user"),
                    _link("Staff groups", "groups", "auth.group"),
                ],
            },
        ],
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 236.62)",
            "100": "oklch(95.1% .026 236.824)",
            "200": "oklch(90.1% .058 230.902)",
            "300": "oklch(82.8% .111 230.318)",
            "400": "oklch(74.6% .16 232.661)",
            "500": "oklch(68.5% .169 237.323)",
            "600": "oklch(50% .134 242.749)",
            "700": "oklch(44.3% .11 240.79)",
            "800": "oklch(39.1% .09 240.876)",
            "900": "oklch(29.3% .066 243.157)",
            "950": "oklch(24% .05 243)",
        }
    },
}
