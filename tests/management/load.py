"""Clients that send requests to a service until a block ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from people.services import NewOrganization
from tests.service import Reply, Service

# A method, a path and a body.
Request = tuple[str, str, bytes | None]


class Load:
    """Clients that send requests without a pause, each the same one again and again.

    Attributes:
        replies: the responses that ``record`` keeps.
    """

    def __init__(self, service: Service, caller: NewOrganization, requests: Sequence[Request]) -> None:
        self.replies: list[Reply] = []
        self._service, self._caller, self._requests = service, caller, requests
        self._has_ended = threading.Event()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Send during the block."""
        threads = [threading.Thread(target=self._send, args=each) for each in self._requests]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._has_ended.set()
            for thread in threads:
                thread.join()

    def record(self, reply: Reply) -> None:
        """Take a response, in the thread of its client."""
        self.replies.append(reply)

    def record_failure(self, error: OSError) -> bool:
        """Take an error of a connection; return whether the client goes on."""
        raise NotImplementedError

    def _send(self, method: str, path: str, body: bytes | None) -> None:
        while not self._has_ended.is_set():
            try:
                reply = self._service.send(self._caller, method, path, body)
            except OSError as error:
                if not self.record_failure(error):
                    return
            else:
                self.record(reply)
