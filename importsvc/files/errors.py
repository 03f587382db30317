"""Refusals of the services of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from importsvc.errors import Conflict, DomainError, InvalidAttribute
from importsvc.files.mapping.refusals import Problem, ProblemCode
from importsvc.files.reading.tables import FileRefused, Reason

# The reasons that errors have in ``meta``.
REASONS: tuple[str, ...] = (*get_args(Reason), *get_args(ProblemCode))

# Of the problems of a mapping so many are reported.
REPORTED_PROBLEMS = 1_000


class FileUnreadable(InvalidAttribute):
    """The file as a whole cannot be read. ``meta`` has the reason, which is a stable code, and the place, if any."""

    def __init__(self, refused: FileRefused, *, attribute: str | None = None) -> None:
        place = {"line": refused.line, "column": refused.column, "sheet": refused.sheet}
        meta = {"reason": refused.code, **{name: value for name, value in place.items() if value is not None}}
        super().__init__(refused.detail, attribute=attribute, meta=meta)


class MappingRefused(InvalidAttribute):
    """A mapping is not acceptable. Each problem is an error of its own, with its code in ``meta``."""

    def __init__(self, problems: Sequence[Problem], *, attribute: str = "") -> None:
        """``attribute`` holds the document; without it its members are attributes themselves."""
        super().__init__(problems[0].message, attribute=attribute or None)
        self._each = tuple(
            InvalidAttribute(
                problem.message,
                attribute=f"{attribute}{problem.path}".lstrip("/") or None,
                meta={"reason": problem.code},
            )
            for problem in problems[:REPORTED_PROBLEMS]
        )

    @property
    def each(self) -> tuple[DomainError, ...]:
        """An error for each problem."""
        return self._each


class FilePruned(Conflict):
    """The bytes of the file were deleted."""

    default_detail = "The bytes of this file were deleted after IMPORT_FILE_DAYS; upload it again"
