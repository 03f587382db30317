"""A form of the admin that is sent while other work holds its locks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.interleaving import Gate, Steps, threads


def before_it_commits(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Before the commit of work in ``hold``."""
    return Gate(monkeypatch, Steps, "stop")


def send_meanwhile(gate: Gate, work: Callable[[], Any], send: Callable[[], Any]) -> Any:
    """Pause the work, send the form, which waits for it, and go on. Returns the response to the form."""
    with threads() as background:
        working = background.start(work)
        gate.wait()
        sending = background.start_blocked(send)
        gate.open()
    assert not isinstance(working.result(), Exception), working.result()
    response = sending.result()
    assert not isinstance(response, Exception), response
    return response
