"""The worker class of gunicorn: threads handle requests, and one thread polls for what clients are slow to send."""

from __future__ import annotations

import errno
import logging
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import util
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from importsvc.http import SMALL_BODY_BYTES
from importsvc.server.connection import PATIENCE_SECONDS, Connection, is_body_left, settle_chunked_body
from importsvc.server.draining import DrainingWorker

# Seconds that a client has to read the last response of a connection and to stop sending (RFC 9112, section 9.6).
LINGER_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Worker(DrainingWorker):
    """gunicorn's ``gthread``, in which no thread waits for the head of a request, a short body, or a client to go.

    gunicorn gives each new connection to a thread, which then waits for the whole head.
    """

    wsgi: Any
    pending_conns: deque[Connection]
    keepalived_conns: deque[Connection]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Connection] = deque()

    def load_wsgi(self) -> None:
        """Load the application; responses to requests whose body is not read close the connection."""
        super().load_wsgi()
        application: Any = self.wsgi

        def call(environ: Any, start_response: Any) -> Any:
            response = start_response.__self__

            def start(*arguments: Any) -> Any:
                if is_body_left(response.req):
                    response.force_close()
                return start_response(*arguments)

            return application(environ, start)

        self.wsgi = call

    # --- In the thread that polls -----------------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and poll for its first request."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE):
                raise
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections and self.pending_conns:
            # The place of the client that has been slow for the longest time.
            self._close(self.pending_conns[0], self.pending_conns)
        conn = Connection(self.cfg, client, address, listener.getsockname())
        self._poll(conn, self.pending_conns, self.on_pending_socket_readable, PATIENCE_SECONDS)

    def on_pending_socket_readable(self, conn: Connection, _socket: socket.socket) -> None:
        """Receive a part of a request, and let a thread handle it when that is enough."""
        if conn.is_closed:  # by ``accept`` in the same round
            return
        try:
            if conn.receive():
                self._forget(conn, self.pending_conns)
                self._hand_over(conn)
        except BlockingIOError:
            return
        except OSError:
            self._close(conn, self.pending_conns)

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Receive the start of the next request of a connection."""
        self._forget(conn, self.keepalived_conns)
        self._poll(conn, self.pending_conns, self.on_pending_socket_readable, PATIENCE_SECONDS)
        self.on_pending_socket_readable(conn, client)

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """Poll for the next request of the connection, or for the client to close it."""
        if fs.cancelled() or fs.exception() or not fs.result():
            self._linger(conn)
            return
        conn.sock.setblocking(False)
        try:
            is_ready = conn.begin_next()
        except OSError:
            self._linger(conn)
            return
        if is_ready:
            self._hand_over(conn)
        elif conn.is_idle:
            seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, STOP_KEEPALIVE_LINGER)
            self._poll(conn, self.keepalived_conns, self.on_client_socket_readable, seconds)
        else:
            self._poll(conn, self.pending_conns, self.on_pending_socket_readable, PATIENCE_SECONDS)

    def murder_pending(self) -> None:
        """End connections whose time is over. A request that has only a part of its body is refused by a thread."""
        while (conn := self._find_expired(self.pending_conns)) is not None:
            if conn.has_head:
                self._forget(conn, self.pending_conns)
                self._hand_over(conn, patience=0)
            else:
                self._close(conn, self.pending_conns)
        while (conn := self._find_expired(self._lingering)) is not None:
            self._close(conn, self._lingering)

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def _hand_over(self, conn: Connection, **patience: float) -> None:
        if not conn.can_send():
            self.nr_conns -= 1
            conn.close()
            return
        conn.hand_over(**patience)
        self.enqueue_req(conn)

    def _linger(self, conn: Connection) -> None:
        """Close the connection for sending, and drop what the client sends: closed at once, it would be reset."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        self._poll(conn, self._lingering, self._drop_received, LINGER_SECONDS)

    def _drop_received(self, conn: Connection, _socket: socket.socket) -> None:
        try:
            is_open = bool(conn.sock.recv(SMALL_BODY_BYTES))
        except BlockingIOError:
            return
        except OSError:
            is_open = False
        if not is_open:
            self._close(conn, self._lingering)

    def _poll(self, conn: Connection, among: deque[Connection], callback: Callable[..., None], seconds: float) -> None:
        conn.timeout = time.monotonic() + seconds
        among.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(callback, conn))

    def _forget(self, conn: Connection, among: deque[Connection]) -> None:
        self.poller.unregister(conn.sock)
        among.remove(conn)

    def _close(self, conn: Connection, among: deque[Connection]) -> None:
        self._forget(conn, among)
        self.nr_conns -= 1
        conn.close()

    @staticmethod
    def _find_expired(among: deque[Connection]) -> Connection | None:
        return among[0] if among and among[0].timeout <= time.monotonic() else None

    # --- In the threads of requests ---------------------------------------------------------------------------------

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Handle a request; the result says whether the connection can be used for another one."""
        settle_chunked_body(req, conn.unreader)
        # gunicorn would ask for the body before the token is checked. The connection does it where a body is read.
        req._expected_100_continue = False
        try:
            return super().handle_request(req, conn)
        except BlockingIOError as error:
            raise BrokenPipeError(errno.EPIPE, "The client does not read the response") from error

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Refuse a request that is no HTTP, and respond to one that no view has handled."""
        # The process that starts the workers has no Django.
        from importsvc.server.refusals import describe, write_response

        code, detail = describe(
            exc, header_bytes=self.cfg.limit_request_field_size, headers=self.cfg.limit_request_fields
        )
        if isinstance(exc, ParseException):
            logger.info("A request from %s is refused: %s", addr[0] if addr else "a socket", code)
        else:
            logger.error("Unhandled exception", exc_info=exc)
        try:
            util.write_nonblock(client, write_response(code, detail))
        except OSError:
            logger.debug("The client is gone", exc_info=True)
