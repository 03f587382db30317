"""What a service loads when it starts."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings


def test_a_service_starts_without_what_only_some_requests_need() -> None:
    # The description of the API brings Django's test client, workbooks their library.
    code = (
        "import sys, importsvc.wsgi; from django.urls import get_resolver; get_resolver().url_patterns\n"
        "names = 'django.test', 'rest_framework.test', 'drf_spectacular.generators', 'openpyxl', 'celery'\n"
        "print('importsvc.imports.api.views' in sys.modules, [name for name in names if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True)

    assert done.stdout == "True []\n", done.stderr
