"""Answers as data: what those keep who give the same answer twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """An answer to a request, complete, as it was before anybody compressed it.

    Attributes:
        status: the status code.
        headers: by name.
        body: the document's bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
