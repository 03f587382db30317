"""A node that stops loses no connection: those that the system has accepted for it are handled, and no more come."""

from __future__ import annotations

import ctypes
import select
import socket
import sys
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# A connection that a client has begun to open is there after this time.
_HANDSHAKE_SECONDS = 0.05

# Without ``refuse_connections`` connections may come for ever.
_LONGEST_DRAIN_SECONDS = 1.0

_SO_ATTACH_FILTER = 26


class _Instruction(ctypes.Structure):
    """``struct sock_filter`` of Linux."""

    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    """``struct sock_fprog`` of Linux."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


# Drops each segment that has SYN and not ACK: the first one of a connection.
_DROP_SYN = [
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x54, 0, 0, 0x12),  # and SYN|ACK
    (0x15, 0, 1, 0x02),  # if it is not SYN, skip one
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
]


def refuse_connections(listener: socket.socket) -> None:
    """Let the system accept no further connection for a socket, in any process that has it.

    A client that tries meanwhile tries again after a second, and is refused if the socket is closed by then. Without
    this, connections that come while it is being closed are reset after they were accepted. On Linux only; elsewhere
    nothing happens.
    """
    if sys.platform != "linux":
        return
    instructions = (_Instruction * len(_DROP_SYN))(*(_Instruction(*each) for each in _DROP_SYN))
    program = _Program(len(_DROP_SYN), ctypes.cast(instructions, ctypes.c_void_p))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))


class DrainingWorker(ThreadWorker):
    """gunicorn's ``gthread``, which closes its listening sockets before it waits for running requests.

    gunicorn closes them after that. Until then the system accepts connections, which nothing handles, and which are
    reset in the end.
    """

    sockets: list[socket.socket]
    alive: bool

    def set_accept_enabled(self, enabled: Any) -> None:
        """Stop accepting for a while, or for ever after a stop signal."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._drain(listener)
                listener.close()

    def _drain(self, listener: socket.socket) -> None:
        """Accept what the system has accepted."""
        listener.setblocking(False)
        waiting = select.poll()
        waiting.register(listener, select.POLLIN)
        deadline = time.monotonic() + _LONGEST_DRAIN_SECONDS
        while waiting.poll(_HANDSHAKE_SECONDS * 1000) and time.monotonic() < deadline:
            self.accept(listener)
