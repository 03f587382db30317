"""The headers of exports and lists of ``header_sets.txt``, and what is proposed for them.

``python -m tests.files.mapping.header_sets`` prints the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from importsvc.files.mapping.targets import find_target

FILE = Path(__file__).with_name("header_sets.txt")
# The number of sets of each round; the sets of a round were written down before the rules were run on them.
ROUNDS = {"first": 200, "second": 40, "third": 110, "fourth": 50}

_ANSWERS = {
    "first": ("person.first_name",),
    "last": ("person.last_name",),
    "full": ("person.first_name", "person.last_name"),
    "email": ("person.email",),
    "title": ("person.title",),
    "tags": ("person.tag_list",),
    "company": ("person.company",),
    "id": ("person.external_id",),
    "name": ("company.name",),
    "currency": ("company.default_currency",),
    "description": ("company.description",),
    "days": ("company.due_days",),
    "ctags": ("company.tag_list",),
    "cid": ("company.external_id",),
}


class HeaderSet(NamedTuple):
    """The headers of a file, and for each the targets that are right; empty if it is to stay open."""

    name: str
    headers: list[str]
    answers: list[tuple[str, ...]]


def read_header_sets() -> Iterator[HeaderSet]:
    """All sets in the order of the file. Answers that no registered type has as a target are open."""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(" | ")
        headers, answers = [], []
        for part in rest.split("; "):
            header, _, answer = part.rpartition("=") if "=" in part else (part, "", "")
            targets = _ANSWERS[answer] if answer else ()
            headers.append(header)
            answers.append(targets if all(map(find_target, targets)) else ())
        yield HeaderSet(name, headers, answers)


def read_rounds() -> dict[str, list[HeaderSet]]:
    """The sets of each round."""
    header_sets = list(read_header_sets())
    starts = [0, *accumulate(ROUNDS.values())]
    return {name: header_sets[start : start + ROUNDS[name]] for name, start in zip(ROUNDS, starts, strict=False)}


def judge(header_set: HeaderSet) -> Counter[str]:
    """The number of headers by what became of them.

    ``right``: the answer is proposed; ``open``: nothing is, and there is an answer; ``wrong``: something else is;
    ``none``: nothing is, and that is the answer.
    """
    from importsvc.files.mapping.proposals import propose
    from importsvc.files.reading.detection import DetectedColumn

    columns = [DetectedColumn(place, header, (), 0, "empty") for place, header in enumerate(header_set.headers, 1)]
    counts: Counter[str] = Counter()
    for proposal, answer in zip(propose(columns).columns, header_set.answers, strict=True):
        if proposal is None:
            counts["open" if answer else "none"] += 1
        else:
            counts["right" if proposal.targets == answer else "wrong"] += 1
    return counts


def describe(counts: Counter[str]) -> str:
    """The counts as shares."""
    answered = counts["right"] + counts["open"]
    return (
        f"{counts.total():,} headers: {counts['right'] / answered:.1%} of {answered:,} with an answer right, "
        f"{counts['open'] / answered:.1%} left open; {counts['wrong'] / counts.total():.2%} of all wrong"
    )


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "importsvc.settings")
    django.setup()
    for name, header_sets in (*read_rounds().items(), ("all", list(read_header_sets()))):
        counts = sum(map(judge, header_sets), Counter())
        print(f"{name}: {len(header_sets)} sets, {describe(counts)}")  # noqa: T201
