"""A full disk, under ``VAR_DIR`` or ``TMPDIR``: a sentence, and nothing half-written."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.client import ApiClient, assert_error
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@pytest.fixture
def disk(open_folder: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", open_folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield open_folder
    subprocess.run(["umount", open_folder], check=True)


def run(disk: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "VAR_DIR": str(disk), **variables}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "imports_status"]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)


def test_the_secret_key_is_not_written_by_halves(disk: Path) -> None:
    (disk / "rest").write_bytes(b"x" * 64 * 1024)

    done = run(disk)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"SECRET_KEY is not set, and {disk}/secret_key cannot be written or read: No space left on device\n"
    )
    assert [path.name for path in disk.iterdir()] == ["rest"]


def test_a_database_that_cannot_be_made_leaves_no_part_of_it(disk: Path) -> None:
    done = run(disk, SECRET_KEY=secrets.token_urlsafe(50))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"CommandError: The database cannot be used: The embedded PostgreSQL could not be set up in {disk}/postgres:\n"
    )
    assert "No space left on device" in done.stderr
    assert sorted(path.name for path in (disk / "postgres").iterdir()) == ["server.lock", "starting.lock", "users.lock"]


def test_rows_for_which_there_is_no_room_are_refused_until_there_is(
    api: ApiClient, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    rows = {"company": [{"name": f"Greens {number}", "description": "x" * 1_000} for number in range(1_500)]}
    api.get("imports")  # moves last_seen_at
    before = take_snapshot()

    refused = api.send_import("POST", "imports", import_data=rows)

    detail = "The service has no room for these rows at this moment; try again later"
    assert_error(refused, 503, "service_unavailable", detail)
    assert refused.headers["Retry-After"] == "60"
    assert take_snapshot() == before
    assert list(disk.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert api.send_import("POST", "imports", import_data=rows).status_code == 201
