"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from importsvc.http.content_types import UnreadContentTypes
from importsvc.http.forwarded import Forwarded
from importsvc.http.request_bodies import RequestBodies
from importsvc.http.trailing_slashes import TrailingSlashes
from importsvc.monitoring.reporting import start_reporting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "importsvc.settings")

# gunicorn loads this module after it has started a process.
start_reporting()

application = Forwarded(
    RequestBodies(TrailingSlashes(UnreadContentTypes(get_wsgi_application())), limit=settings.MAX_BODY_BYTES),
    trusted_proxies=settings.TRUSTED_PROXIES,
)
