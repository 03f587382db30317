"""The example of docs/files.md, run as it is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.clients.conftest import Access
from tests.clients.test_quickstarts import EXAMPLES
from tests.snapshots import Snapshot, take_snapshot

# All use one service.
pytestmark = pytest.mark.xdist_group("clients")

PAGE = EXAMPLES.parent / "files.md"
RECORDS = ("companies_company", "people_person")


def select_records(snapshot: Snapshot) -> Snapshot:
    """The records, without the time that every request of a person sets."""
    return {table: [{**row, "last_seen_at": None} for row in snapshot[table]] for table in RECORDS}


def test_the_example_of_files_prints_what_the_page_says_and_leaves_no_record(access: Access) -> None:
    before = take_snapshot()

    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "files.py")],
        env={**os.environ, **access.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )

    shown = re.search(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown
    assert (done.stdout, done.stderr) == (shown[1], "")
    after = take_snapshot()
    assert select_records(after) == select_records(before)
    assert len(after["imports_import"]) == 2
