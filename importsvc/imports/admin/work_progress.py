"""How far a worker is with work that a page waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from importsvc.imports.formatting import describe_stored_errors
from importsvc.operations.models import Status
from importsvc.operations.selectors import OperationStatus
from importsvc.operations.waiting import lacks_worker


@dataclass(frozen=True)
class WorkProgress:
    """What is shown of work that is not done.

    Attributes:
        title: what is done.
        url: is asked in the background how far it is.
        phase: how far it is.
        then: what follows, and what stays as it is until then; in sentences.
        lacks_worker: whether it waits although no worker is there.
        sentences: why it failed.
        operation_url: of the page on which the user may cancel it; empty if there is none.
    """

    title: str
    url: str
    phase: str
    then: str
    lacks_worker: bool
    sentences: Sequence[str]
    operation_url: str = ""


def describe_work(found: OperationStatus, *, title: str, url: str, then: str, operation_url: str = "") -> WorkProgress:
    """What is shown of an operation. The texts are those of ``WorkProgress``."""
    done, total = found.progress["done"], found.progress["total"]
    in_work = f"In work: {done} of {total} rows" if total else "In work"
    return WorkProgress(
        title=title,
        url=url,
        phase="Waiting for a worker" if found.status == Status.QUEUED else in_work,
        then=then,
        lacks_worker=lacks_worker(found),
        sentences=describe_stored_errors(found.operation.errors),
        operation_url=operation_url,
    )
