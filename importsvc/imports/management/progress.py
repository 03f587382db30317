"""How far an import is, for somebody who watches it at a terminal."""

from __future__ import annotations

from types import TracebackType

from tqdm import tqdm

# What is shown as which step. Rows that are read are those that are to be checked, and then to be written.
_STEPS = {"checked": "Validating", "written": "Writing"}


class ProgressBar:
    """A bar for rows validated and one for rows written, on standard error if that is a terminal.

    It is the ``progress`` of services that import rows; within a ``with`` block, at the end of which it is gone.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._step = ""
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __call__(self, what: str, rows: int) -> None:
        """Rows more have been read, checked or written."""
        if what == "read":
            self._rows += rows
        elif what == "written" or self._step != "written":  # rows are checked once more while they are written
            self._show(what).update(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _show(self, step: str) -> tqdm[None]:
        if self._bar is None or self._step != step:
            self._close()
            self._step = step
            # disable=None asks whether it is a terminal.
            self._bar = tqdm(desc=_STEPS[step], total=self._rows, unit=" rows", leave=False, disable=None)
        return self._bar

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
