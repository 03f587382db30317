"""One POST request to an address that was checked, within a time that nothing can extend.

The standard library's client, because the connection has to be made to a given address while certificate and ``Host``
are those of the name. It reads no proxies from the environment and follows no redirects.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from importsvc.text.display import printable
from importsvc.webhooks.addresses import Resolve, Target, UrlRefused, find_addresses, read_url, resolve_host

# Seconds for everything together: lookup, connections, request and response. A lookup that takes longer ends as the
# system's resolver is configured.
TIMEOUT = 15.0
# What is read of the body of an unsuccessful response. Errors show its beginning.
READ_BYTES = 4096


@functools.cache
def _make_tls_context() -> ssl.SSLContext:
    # Reads the system's certificates, which takes tens of milliseconds.
    return ssl.create_default_context()


@dataclass(frozen=True)
class Network:
    """How requests reach their receivers.

    Attributes:
        allow_private: whether http and private addresses are permitted.
        resolve: resolves host names.
        make_tls_context: makes or returns the settings of TLS.
        timeout: seconds that a request may take.
    """

    allow_private: bool
    resolve: Resolve = resolve_host
    make_tls_context: Callable[[], ssl.SSLContext] = _make_tls_context
    timeout: float = TIMEOUT


@dataclass(frozen=True)
class Answer:
    """The outcome of a request.

    Attributes:
        status: of the response; ``None`` if there was none.
        error: why the request was not successful; ``None`` if it was.
        retry_after: seconds that the response asks to wait.
    """

    status: int | None
    error: str | None
    retry_after: float | None = None


def post(url: str, body: bytes, headers: Mapping[str, str], *, network: Network) -> Answer:
    """Send a request. It is successful if the response has a status from 200 to 299; a redirect is not followed."""
    deadline = time.monotonic() + network.timeout
    try:
        target = read_url(url, allow_private=network.allow_private)
        connection = _Connection(target, network, deadline)
        try:
            connection.request("POST", target.path, body, {**headers, "Host": target.authority, "Connection": "close"})
            response = connection.getresponse()
            return _describe(response, _read_excerpt(response))
        finally:
            connection.close_socket()
    except (UrlRefused, OSError, http.client.HTTPException) as error:
        return Answer(None, _explain(error, network.timeout))


class _Connection(http.client.HTTPConnection):
    """A connection to a checked address of the target."""

    def __init__(self, target: Target, network: Network, deadline: float) -> None:
        super().__init__(target.host, target.port)
        self._target = target
        self._network = network
        self._deadline = deadline
        self._connected: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the first address that accepts the connection.

        Raises:
            UrlRefused: an address is not public.
            OSError: no address can be reached in time, or its certificate is not valid for the name.
        """
        network, target = self._network, self._target
        addresses = find_addresses(target, resolve=network.resolve, allow_private=network.allow_private)
        self._connected = self._connect_to_any(addresses)
        if target.is_tls:
            self._connected.settimeout(_measure_rest(self._deadline))
            self._connected = network.make_tls_context().wrap_socket(self._connected, server_hostname=target.host)
        # http.client only calls sendall(), makefile() and close().
        self.sock = cast(socket.socket, _LimitedSocket(self._connected, self._deadline))

    def close_socket(self) -> None:
        """Close the connection. ``close()`` leaves it open for the response, which the base class reads after it."""
        self.close()
        if self._connected is not None:
            self._connected.close()

    def _connect_to_any(self, addresses: Sequence[str]) -> socket.socket:
        for number, address in enumerate(addresses):
            rest = _measure_rest(self._deadline) / (len(addresses) - number)
            try:
                return socket.create_connection((address, self._target.port), timeout=rest)
            except OSError:
                if number + 1 == len(addresses):
                    raise
        raise AssertionError("there is an address")


class _LimitedSocket:
    """A socket all of whose operations end at the deadline.

    A socket's own timeout begins again with each received byte, so a receiver could keep a request open for ever.
    """

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, content: Any) -> None:
        self._socket.settimeout(_measure_rest(self._deadline))
        self._socket.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_LimitedReader(self._socket, self._deadline))

    def close(self) -> None:
        pass


class _LimitedReader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_measure_rest(self._deadline))
        return self._socket.recv_into(buffer)


def _measure_rest(deadline: float) -> float:
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise TimeoutError
    return rest


def _read_excerpt(response: http.client.HTTPResponse) -> str:
    """The beginning of the body of an unsuccessful response; blank if it cannot be read."""
    if 200 <= response.status < 300:
        return ""
    try:
        text = response.read(READ_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    return printable(" ".join(text.split()))


def _describe(response: http.client.HTTPResponse, excerpt: str) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(status, None)
    note = ", a redirect, which is not followed" if 300 <= status < 400 else ""
    error = f"The response has the status {status}{note}" + (f": {excerpt}" if excerpt else "")
    return Answer(status, error, _read_retry_after(response.getheader("Retry-After", "")))


def _read_retry_after(written: str) -> float | None:
    """Seconds from now, from both forms of the header (RFC 9110, section 10.2.3); ``None`` if it is neither."""
    written = written.strip()
    if written.isascii() and written.isdecimal():
        return float(written[:10])
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _explain(error: Exception, timeout: float) -> str:
    match error:
        case UrlRefused():
            return f"The URL {error}"
        case TimeoutError():
            return f"There was no response within {timeout:g} seconds"
        case socket.gaierror():
            return "The host name cannot be resolved"
        case ssl.SSLCertVerificationError():
            return f"The certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or 'protocol error'}"
        case OSError():
            return f"The connection failed: {error.strerror or 'closed by the receiver'}"
        case _:
            return "The response is not HTTP"
