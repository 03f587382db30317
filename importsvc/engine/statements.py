"""A part of SQL with its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Statement:
    """A ``SELECT``, for use within others.

    Those that find conflicts select record_id, row, fields (text[]), "then", "now" (jsonb objects or null) and
    first_id (bigint or null).

    Attributes:
        sql: without parameters.
        parameters: what stands for each ``%s``.
    """

    sql: str
    parameters: list[Any]
