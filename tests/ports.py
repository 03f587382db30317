"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

# Below those that the operating system gives to connections: a server may listen seconds after its port was chosen, or
# again after it was stopped.
PORTS = range(10_000, 32_000)


def find_port() -> int:
    """A port that nothing listens on."""
    while True:
        # By the system's own random numbers: some tests seed those of the process.
        port = random.SystemRandom().choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
