"""Connections on which the poller receives a request before a thread handles it."""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from typing import Any

from gunicorn import http
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException
from gunicorn.http.unreader import IterUnreader, SocketUnreader
from gunicorn.workers.gthread import TConn

from importsvc.http import SMALL_BODY_BYTES

# Bytes of the request line and the headers together; gunicorn limits the single header and their number.
HEAD_BYTES = 64 * 1024

# Seconds that a client may be silent in a request; it gains time with what it sends, up to this again. For so long it
# may also not read a response.
PATIENCE_SECONDS = 10.0
LEAST_BYTES_PER_SECOND = 10_000

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECT_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Unreader(SocketUnreader):
    """What a thread reads from a connection: what the poller has received, and then from a client that keeps sending.

    Attributes:
        patience: the seconds that the client may still be silent.
        refusal: raised in place of reading further.
        is_continue_due: the client waits for ``100 Continue`` before it sends the body.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.patience = PATIENCE_SECONDS
        self.refusal: Exception | None = None
        self.is_continue_due = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes from the socket.

        Raises:
            TimeoutError: the client has sent too little for too long.
        """
        if self.refusal:
            raise self.refusal
        if self.patience <= 0:
            raise TimeoutError
        if self.is_continue_due:
            self.is_continue_due = False
            self.sock.sendall(CONTINUE)
        began = time.monotonic()
        self.sock.settimeout(self.patience)
        try:
            content: bytes = super().chunk(size_hint)
        finally:
            self.sock.settimeout(None)
        gained = len(content) / LEAST_BYTES_PER_SECOND - (time.monotonic() - began)
        self.patience = min(PATIENCE_SECONDS, self.patience + gained)
        return content


class Connection(TConn):
    """A connection that receives without waiting. What it decides by is a guess; gunicorn parses the request later."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        # gunicorn's own preparations, which wait for the client, are not needed.
        self.initialized = self.data_ready = True
        self.parser: Any = http.get_parser(cfg, sock, client)
        self.unreader = self.parser.unreader = Unreader(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(PATIENCE_SECONDS), 0))
        self._start(b"")

    def receive(self) -> bool:
        """Take what has come; whether a thread should handle the request now.

        Raises:
            OSError: the connection has ended, or nothing has come (``BlockingIOError``).
        """
        content = self.sock.recv(SMALL_BODY_BYTES)
        if not content:
            if not self.has_head:
                raise ConnectionResetError
            return True  # the body is incomplete, which is refused
        self._received += content
        return self._is_ready()

    def begin_next(self) -> bool:
        """Begin the next request with what was received after the last one; whether it can be handled now."""
        self._start(self.unreader.take_buffered())
        return self._is_ready()

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request has come."""
        return not self._received

    @property
    def is_closed(self) -> bool:
        """Whether the connection is closed on this side."""
        return self.sock.fileno() < 0

    def can_send(self) -> bool:
        """Whether the client reads its responses, so that there is room for the next one."""
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        return bool(poll.poll(0))

    @property
    def has_head(self) -> bool:
        """Whether the request line and the headers are complete."""
        return self._body_at > 0

    def hand_over(self, patience: float = PATIENCE_SECONDS) -> None:
        """Let a thread read what was received; the client may then be silent for ``patience`` seconds."""
        self.unreader.patience = patience
        if (self._body_at or len(self._received)) <= HEAD_BYTES:
            self.unreader.unread(bytes(self._received))
        elif 0 <= self._received.find(b"\r\n") < HEAD_BYTES:
            self.unreader.refusal = LimitRequestHeaders("")
        else:
            self.unreader.refusal = LimitRequestLine(HEAD_BYTES)

    def _start(self, received: bytes) -> None:
        self._received = bytearray(received)
        self._searched = 0
        self._body_at = 0
        self._body_size: int | None = 0

    def _read_head(self, end: int) -> None:
        self._body_at = end + 4
        head = bytes(self._received[: end + 2])
        length = _CONTENT_LENGTH.search(head)
        is_chunked = bool(_TRANSFER_ENCODING.search(head))
        self._body_size = None if is_chunked else int(length[1]) if length else 0
        self.unreader.is_continue_due = bool(_EXPECT_CONTINUE.search(head))
        if self.unreader.is_continue_due and (is_chunked or 0 < (self._body_size or 0) <= SMALL_BODY_BYTES):
            self.unreader.is_continue_due = False
            self.sock.send(CONTINUE)

    def _is_ready(self) -> bool:
        searched, self._searched = max(self._searched - 4, 0), len(self._received)
        if not self.has_head:
            end = self._received.find(b"\r\n\r\n", searched)
            if end < 0:
                # A line that ends with LF alone is refused.
                is_malformed = self._received.count(b"\n") != self._received.count(b"\r\n")
                return is_malformed or len(self._received) > HEAD_BYTES
            self._read_head(end)
        size = len(self._received) - self._body_at
        if self._body_size is not None:
            return size >= self._body_size or self._body_size > SMALL_BODY_BYTES
        # The last chunk, or the end of trailers. The same bytes elsewhere only mean that a thread reads the rest.
        is_whole = self._received.find(b"0\r\n\r\n", max(searched, self._body_at)) >= 0
        return is_whole or size > SMALL_BODY_BYTES or (size > 0 and self._received.endswith(b"\r\n\r\n"))


def settle_chunked_body(request: Any, unreader: Unreader) -> None:
    """Give a request whose chunked body was received as a whole the body's length."""
    if not isinstance(request.body.reader, ChunkedReader):
        return
    received = unreader.take_buffered()
    source = IterUnreader([received])
    reader = ChunkedReader(request, source)
    try:
        content = reader.read(SMALL_BODY_BYTES + 1)
        is_whole = reader.parser is None
    except (NoMoreData, ParseException):
        is_whole = False
    if not is_whole:
        unreader.unread(received)
        return
    unreader.unread(source.take_buffered())
    whole = IterUnreader([])
    whole.unread(content)
    request.body = Body(LengthReader(whole, len(content)))
    request.headers.append(("CONTENT-LENGTH", str(len(content))))


def is_body_left(request: Any) -> bool:
    """Whether the client has yet to send a part of the request's body, so that the next request cannot be read."""
    reader = request.body.reader
    if request.body.failed:
        return True
    if isinstance(reader, ChunkedReader):
        return reader.parser is not None
    return isinstance(reader, LengthReader) and reader.length > len(reader.unreader.buf.getvalue())
