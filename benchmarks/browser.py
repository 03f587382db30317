"""A browser without JavaScript, logged in as staff, that times what it asks for."""

from __future__ import annotations

import http.client
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tests.wizard.walking import Forms

PATIENCE_SECONDS = 300
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Response:
    """A response, and the seconds from the first byte of the request to its last one."""

    status: int
    location: str
    leads: str
    text: str
    seconds: float


class Browser:
    """A session of a superuser."""

    def __init__(self, port: int) -> None:
        user, _ = User.objects.get_or_create(username="staff", defaults={"is_superuser": True, "is_staff": True})
        client = Client()
        client.force_login(user)
        self._port = port
        self._cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}

    def get(self, url: str, *, in_background: bool = False) -> Response:
        """Ask for a page, or as a page does that polls."""
        return self._send("GET", url, None, {"HX-Request": "true"} if in_background else {})

    def post(self, url: str, fields: Mapping[str, str], file: tuple[str, bytes] | None = None) -> Response:
        """Send a form, with a file that has a name and a content."""
        if file is None:
            content_type, body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        else:
            content_type, body = _write_multipart(fields, *file)
        return self._send("POST", url, body, {"Content-Type": content_type})

    def send(self, url: str, page: Response, button: str, **changes: str) -> Response:
        """Send the form of a page that has a button with this text."""
        form = next(form for form in Forms(page.text).found if any(button in text for text in form["buttons"]))
        return self.post(form["action"] or url, {**form["fields"], **changes})

    def wait(self, url: str) -> tuple[str, float]:
        """Poll a page until it leads to another one; returns that, and the most seconds that a response took."""
        deadline, slowest = time.monotonic() + PATIENCE_SECONDS, 0.0
        while time.monotonic() < deadline:
            response = self.get(url, in_background=True)
            slowest = max(slowest, response.seconds)
            if response.leads:
                return response.leads, slowest
            time.sleep(POLL_SECONDS)
        raise SystemExit(f"{url} does not come to an end")

    def _send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        connection.connect()
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        began = time.perf_counter()
        connection.request(method, url, body, {"Cookie": cookies, **headers})
        response = connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, rest = cookie.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        if response.status >= 400:
            raise SystemExit(f"{method} {url}: {response.status}: {content[:500]!r}")
        location = urlsplit(response.headers.get("Location", ""))._replace(scheme="", netloc="").geturl()
        leads = response.headers.get("HX-Redirect", "") or (url if "HX-Refresh" in response.headers else "")
        return Response(response.status, location, leads, content.decode("utf-8", "replace"), seconds)


def read_text(page: Response) -> str:
    """The text of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def _write_multipart(fields: Mapping[str, str], name: str, content: bytes) -> tuple[str, bytes]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    disposition = f'form-data; name="file"; filename="{name}"'
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: text/csv\r\n\r\n"
    body = "".join([*parts, head]).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body
