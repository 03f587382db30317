"""The example of docs/files.md, run as it is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.clients.conftest import Access
from tests.clients.test_quickstarts import EXAMPLES
from tests.snapshots import take_snapshot

PAGE = EXAMPLES.parent / "files.md"
RECORDS = ("companies_company", "people_person")


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
    for snapshot in (before, after):
        for person in snapshot["people_person"]:
            del person["last_seen_at"]  # every request of the person sets it
    assert {table: after[table] for table in RECORDS} == {table: before[table] for table in RECORDS}
    assert len(after["imports_import"]) == 2
