"""Clients that keep connections open and send next to nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from benchmarks.service import Caller

HEAD = "{method} /api/v2/imports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.api+json\r\n"
LOGIN = "POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"

# The time after which a client that was disconnected connects again.
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Kind:
    """What the clients do.

    Attributes:
        what: the same in words.
        start: the bytes that each sends at first.
        then: what it sends each second after that.
    """

    what: str
    start: str
    then: str = ""


def list_kinds(caller: Caller) -> list[Kind]:
    """Every kind of slow client; those with a token may also have their bodies read."""
    token = f"X-Auth-Token: {caller.token}\r\nX-Organization-Id: {caller.organization_id}\r\n"
    get, post = HEAD.format(method="GET"), HEAD.format(method="POST")
    chunk = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    body = "Content-Length: 1000000\r\n\r\n{"
    return [
        Kind("silent", ""),
        Kind("half a head", get),
        Kind("a byte of a head each second", get + "X-Slow: ", "x"),
        Kind("one chunk, without a token", post + chunk),
        Kind("one chunk, with a token", post + token + chunk),
        Kind("a byte of a body each second, without a token", post + body, "x"),
        Kind("a byte of a body each second, with a token", post + token + body, "x"),
        Kind("half a form of the admin's login", LOGIN + "Content-Length: 1000\r\n\r\nusername=ada", "x"),
        Kind("idle after a response", get + "\r\n"),
    ]


@contextmanager
def keep_open(port: int, kind: Kind, count: int) -> Iterator[None]:
    """During the block so many clients are connected; one whose connection is closed connects again."""
    loop = asyncio.new_event_loop()
    clients = [loop.create_task(_connect_again_and_again(port, kind)) for _ in range(count)]
    thread = threading.Thread(target=loop.run_until_complete, args=[asyncio.wait(clients)])
    thread.start()
    try:
        yield
    finally:
        for client in clients:
            loop.call_soon_threadsafe(client.cancel)
        thread.join()
        loop.close()


async def _connect_again_and_again(port: int, kind: Kind) -> None:
    while True:
        with suppress(OSError):
            await _connect(port, kind)
        await asyncio.sleep(PAUSE_SECONDS)


async def _connect(port: int, kind: Kind) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(kind.start.encode())
        is_open = True
        while is_open:
            try:
                is_open = bool(await asyncio.wait_for(reader.read(65536), 1))
            except TimeoutError:
                writer.write(kind.then.encode())
    finally:
        writer.close()
