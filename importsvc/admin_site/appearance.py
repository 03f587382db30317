"""The setting ``UNFOLD``: the name, icon and colours of the admin.

Fonts, icons and scripts are static files of the packages; browsers load nothing from other sites.
"""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "importsvc",
    "SITE_HEADER": "importsvc",
    "SITE_SUBHEADER": "Imports, and how to undo them",
    "SITE_SYMBOL": "move_to_inbox",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("importsvc/icon.svg")}],
    # There is no site to link to.
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("importsvc/admin.css")],
    "SCRIPTS": [lambda request: static("importsvc/copy.js"), lambda request: static("importsvc/keyboard.js")],
    "DASHBOARD_CALLBACK": "importsvc.imports.admin.home.add_overview",
    "ACCOUNT": {"navigation": "importsvc.admin_site.second_factor.list_account_links"},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "importsvc.admin_site.navigation.build_sidebar",
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
