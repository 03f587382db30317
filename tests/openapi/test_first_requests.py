"""The first requests of a process for the description of the API arrive at once."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

THREADS = 8

# In a process of its own: only there the description was never made.
REQUESTS = f"""
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.test import Client

sys.setswitchinterval(1e-6)
start = threading.Barrier({THREADS})

def get(_):
    start.wait()
    response = Client(raise_request_exception=False).get("/api/v2/openapi.json", HTTP_HOST="localhost")
    return response.status_code, response.content

with ThreadPoolExecutor({THREADS}) as pool:
    responses = set(pool.map(get, range({THREADS})))
print(sorted(status for status, _ in responses))
"""


def test_each_of_the_first_requests_gets_the_description() -> None:
    done = subprocess.run([sys.executable, "-c", REQUESTS], cwd=settings.BASE_DIR, capture_output=True, text=True)

    assert (done.stdout, done.returncode) == ("[200]\n", 0), done.stderr
