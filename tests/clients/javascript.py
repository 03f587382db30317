"""Node, and the packages of ``javascript/package.json``, for clients in JavaScript and TypeScript."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests.clients.story import FOLDER

MISSING = "clients in JavaScript need node and npm; on Debian: apt install nodejs npm"
SECONDS = 120

_SOURCES = FOLDER / "javascript"


@dataclass(frozen=True)
class Project:
    """A folder with the packages, and with the files of ``tests/clients/javascript``."""

    folder: Path

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """What a command in the folder prints; it must succeed. Programs of the packages are found by their names."""
        path = f"{self.folder / 'node_modules/.bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PATH": path, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}"
        return done.stdout


def install() -> Project:
    """The project in ``VAR_DIR``, with the locked packages, which are installed if they are not there.

    Without node the test is skipped, or fails if ``REQUIRE_NODE`` is set.
    """
    require_node()
    project = Project(settings.VAR_DIR / "clients")
    project.folder.mkdir(parents=True, exist_ok=True)
    # The processes of the suite share the folder.
    with (project.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed, wanted = project.folder / "installed.json", (_SOURCES / "package-lock.json").read_bytes()
        _copy([*_SOURCES.iterdir(), FOLDER / "story.json"], project.folder)
        if not installed.exists() or installed.read_bytes() != wanted:
            try:
                project.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            except AssertionError as error:
                _give_up(str(error))
            installed.write_bytes(wanted)
    return project


def require_node() -> None:
    """Skip the test without node, or fail it if ``REQUIRE_NODE`` is set."""
    if not (shutil.which("node") and shutil.which("npm")):
        _give_up(MISSING)


def _copy(files: Iterable[Path], folder: Path) -> None:
    for file in files:
        if file.is_file():
            shutil.copy(file, folder)


def _give_up(reason: str) -> None:
    if os.environ.get("REQUIRE_NODE"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
