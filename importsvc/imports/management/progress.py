"""The progress of an import, on a terminal."""

from __future__ import annotations

from tqdm import tqdm

# The titles of the steps. The number of rows that are read is the total of both.
_STEPS = {"checked": "Validating", "written": "Writing"}


class ProgressBar:
    """A bar for checked rows and one for written rows, on standard error if that is a terminal.

    An instance is the ``progress`` argument of services; ``close`` clears the bar.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._step = ""
        self._bar: tqdm[None] | None = None

    def __call__(self, what: str, rows: int) -> None:
        """Show that further rows were read, checked or written."""
        if what == "read":
            self._rows += rows
        elif what == "written" or self._step != "written":  # rows are checked once more while they are written
            self._show(what).update(rows)

    def close(self) -> None:
        """Clear the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()

    def _show(self, step: str) -> tqdm[None]:
        if self._bar is None or self._step != step:
            self.close()
            self._step = step
            # disable=None: no bar if standard error is not a terminal.
            self._bar = tqdm(desc=_STEPS[step], total=self._rows, unit=" rows", leave=False, disable=None)
        return self._bar
