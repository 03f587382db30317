"""Rows in the order in which they can be written, some at a time, read and cleaned while others are being written."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

from importsvc.engine.parse.rows import CleanRows
from importsvc.engine.schema.importable import Importable

BATCH_ROWS = 10_000
BATCHES_AHEAD = 2

Item = TypeVar("Item")


def make_batches(
    pieces: Iterable[tuple[str, Sequence[Any]]], importables: Mapping[str, Importable], *, expected: Collection[str]
) -> Iterator[CleanRows]:
    """Clean rows of one type after the other, those that are referred to first, in batches of about ``BATCH_ROWS``.

    Args:
        pieces: rows, each with the name of their type; those of one type follow each other.
        importables: by name, those referred to first.
        expected: the types that will come. Rows wait for those that they may refer to.
    """
    missing = set(expected)
    waiting: dict[str, CleanRows] = {}
    batch: CleanRows | None = None
    for name, rows in pieces:
        importable = importables[name]
        if name in waiting or any(reference.to in missing for reference in importable.references):
            waiting.setdefault(name, CleanRows(importable)).add(rows)
            continue
        if batch is None or batch.importable is not importable or len(batch) >= BATCH_ROWS:
            if batch is not None:
                yield batch
            batch = CleanRows(importable, after=batch.last if batch and batch.importable is importable else 0)
        batch.add(rows)
        batch.clean_all()
        missing.discard(name)
    if batch is not None:
        yield batch
    yield from (waiting[name] for name in importables if name in waiting)


class Turns:
    """Who reads ahead lets those who use what was read go first: threads of Python do not work at the same time."""

    def __init__(self) -> None:
        self._may_read = Event()
        self._may_read.set()
        self._is_over = False

    def take(self, pieces: Iterable[Item]) -> Iterator[Item]:
        """The pieces, each when nobody else works, and none any more once all is over."""
        for piece in pieces:
            self._may_read.wait()
            if self._is_over:
                return
            yield piece

    @contextmanager
    def work(self) -> Iterator[None]:
        """While the block lasts, nobody begins to read another piece."""
        self._may_read.clear()
        try:
            yield
        finally:
            self._may_read.set()

    def end(self) -> None:
        """Nobody needs what is yet to be read, as when a row is wrong: who leaves does not wait for it."""
        self._is_over = True


@contextmanager
def read_ahead(items: Iterator[Item], *, count: int = BATCHES_AHEAD) -> Iterator[Iterator[Item]]:
    """The items, of which ``count`` are made in another thread while the caller uses those before.

    What making them raises is raised where the item would come. Making stops at the end of the block.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        made: deque[Future[Item | None]] = deque(executor.submit(next, items, None) for _ in range(count))

        def iterate() -> Iterator[Item]:
            while (item := made.popleft().result()) is not None:
                made.append(executor.submit(next, items, None))
                yield item

        try:
            yield iterate()
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
