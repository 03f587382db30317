"""``docs/benchmarks.md``: the tables, the machine, and how to run them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.tables import Section, format_section, summarize

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

Written by `script/bench` on {day}, in {minutes:.0f} minutes; do not edit. Everything is measured in one run on one
machine, what is compared one after the other in turn, so read the ratios: the times are this machine's.

{summary}

## How to run it again

```sh
script/bench            # all of this; writes this page
script/bench --quick    # about three minutes, on less data; writes nothing
```

It needs nothing but what `script/server` needs, sets up a database of its own in a temporary folder, and removes it.

## What is compared

- **bare COPY**: the very records that the import made, from text that is ready, into copies of the product's tables
  with all their indexes, checks and keys; one transaction, its commit included. No reading, no checks, no change log,
  no staged rows.
- **django-import-export**: in bulk, without diffs, without a query for an instance, companies from a dictionary, one
  transaction, in process, from rows that are in its own data sets already. Once as fast as it goes, with nothing
  validated, and once with `clean_model_instances`.
- **hand-built**: the same JSON as the service's, from `.values()` and dictionaries, with the same authentication.
- **stock**: djangorestframework-jsonapi by declarations only: same fields, same included resources.
- Everything of the service is asked over HTTP on the loopback interface, of gunicorn as `script/server` starts it,
  with one worker and one thread, with all checks and the change log on.

## The machine

| | |
|---|---|
{machine}

"""


def make_report(sections: Sequence[Section], machine: Sequence[tuple[str, str]], *, took_seconds: float) -> str:
    """The page."""
    head = HEAD.format(
        day=date.today().isoformat(),
        minutes=took_seconds / 60,
        summary=summarize(sections),
        machine="\n".join(f"| {name} | {value} |" for name, value in machine),
    )
    return head + "\n\n".join(map(format_section, sections)) + "\n"
