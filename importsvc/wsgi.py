"""The WSGI application that gunicorn serves."""

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from importsvc.http.chunked_bodies import ChunkedBodies
from importsvc.http.content_types import UnreadContentTypes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "importsvc.settings")

# Seconds that a thread computes before others get their turn. With the usual 5 ms, each step of an import waits that
# long for the thread that reads the next rows, and so does everybody else's request.
sys.setswitchinterval(0.0005)

application = ChunkedBodies(UnreadContentTypes(get_wsgi_application()), limit=settings.MAX_BODY_BYTES)
