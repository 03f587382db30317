"""The progress of an import, on a terminal."""

from __future__ import annotations

from types import TracebackType

from tqdm import tqdm

# The titles of the steps. The number of rows that are read is the total of both.
_STEPS = {"checked": "Validating", "written": "Writing"}


class ProgressBar:
    """A bar for checked rows and one for written rows, on standard error if that is a terminal.

    An instance is the ``progress`` argument of services. Used in a ``with`` block, at whose end it clears the bar.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._step = ""
        self._bar: tqdm[None] | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __call__(self, what: str, rows: int) -> None:
        """Show that further rows were read, checked or written."""
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
            # disable=None: no bar if standard error is not a terminal.
            self._bar = tqdm(desc=_STEPS[step], total=self._rows, unit=" rows", leave=False, disable=None)
        return self._bar

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
