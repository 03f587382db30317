"""``docs/adding-an-importable.md``, followed to the letter in a copy of the project with a database of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

ROOT: Path = settings.BASE_DIR
PAGE = (ROOT / "docs" / "adding-an-importable.md").read_text()
DATABASE = f"adding_an_importable_{os.getpid()}"

# The copy takes long to make.
pytestmark = pytest.mark.xdist_group("adding_an_importable")

# A request of every kind to the new type. It prints what came of them, as JSON.
WALK = """
import json, sys
import django
django.setup()
from django.test.utils import setup_test_environment
setup_test_environment()
from django.contrib.auth.models import Group, User
from django.test import Client
from people.services import create_organization
from tests.client import ApiClient, document_of

acme = create_organization(name="Acme", email="ada@acme.test")
api = ApiClient(acme)
import_id = api.run(json.loads(sys.argv[1]))
listed = document_of(api.get("deals?filter[name]=renewal"))["data"]
changes = document_of(api.get(f"imports/{import_id}/changes?filter[record_type]=deal"))["data"]
user = User.objects.create_user("support", is_staff=True)
user.groups.add(Group.objects.get(name="Support"))
admin = Client()
admin.force_login(user)
pages = ["/admin/", "/admin/deals/deal/", "/admin/search/?s=renewal&extended=1"]
contents = [admin.get(page).content.decode() for page in pages]
reverted = api.request("PATCH", f"imports/{import_id}/revert").status_code
print(json.dumps({
    "listed": listed, "changes": changes, "pages": contents, "reverted": reverted,
    "left": document_of(api.get("deals"))["data"],
}))
"""


class Block(NamedTuple):
    """A block of code of the page, its language, and the file that is named above it."""

    language: str
    path: str
    code: str


def read_blocks() -> list[Block]:
    """Every block of the page, in order."""
    blocks, end, path = [], 0, ""
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        named = re.findall(r"^`([\w/]+\.py)`", PAGE[end : found.start()], re.MULTILINE)
        path, end = named[-1] if named else path, found.end()
        blocks.append(Block(found[1], path, found[2]))
    return blocks


class Copy(NamedTuple):
    """A copy of the project."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """What a command in the copy prints; it must succeed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, block: Block) -> None:
        """Do what a block of the page says."""
        path = self.folder / block.path
        if block.language == "sh":
            self.run("sh", "-e", "-c", block.code)
        elif block.language == "python":
            path.write_text(block.code)
        elif block.language == "diff":
            lines = block.code.splitlines()
            before, after = ("\n".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
            assert path.read_text().count(before) == 1
            path.write_text(path.read_text().replace(before, after))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """The project after all that the page says, with a database of its own on the server of the tests."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("importsvc", "organizations", "companies", "people", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "setup.cfg", "ruff.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").symlink_to(sys.prefix)

    parameters: dict[str, Any] = connection.get_connection_params()
    place: dict[str, Any] = {
        name: parameters[name] for name in ("host", "port", "user", "password") if name in parameters
    }
    url = f"postgres:///{DATABASE}?{urlencode(place)}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "importsvc.settings"}
    del environment["PYTEST_CURRENT_TEST"]
    made = Copy(folder, {name: value for name, value in environment.items() if not name.startswith("PYTEST_XDIST")})

    server = psycopg2.connect(**place, dbname="postgres")
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    try:
        made.run(sys.executable, "manage.py", "migrate", "--verbosity", "0")
        for block in read_blocks():
            made.follow(block)
        yield made
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        server.close()


def test_the_page_has_a_block_for_every_step() -> None:
    assert [(block.language, block.path) for block in read_blocks()] == [
        ("sh", ""),
        ("python", "deals/models.py"),
        ("python", "deals/importable.py"),
        ("diff", "importsvc/settings.py"),
        ("sh", "importsvc/settings.py"),
        ("json", "importsvc/settings.py"),
        ("python", "deals/serializers.py"),
        ("python", "deals/filters.py"),
        ("python", "deals/views.py"),
        ("diff", "importsvc/urls.py"),
        ("diff", "importsvc/urls.py"),
    ]


def test_the_rows_of_the_page_are_imported_listed_shown_to_staff_and_reverted(copy: Copy) -> None:
    rows = next(block.code for block in read_blocks() if block.language == "json")
    outcome = json.loads(copy.run(sys.executable, "-c", WALK, rows))

    (deal,) = outcome["listed"]
    assert (deal["type"], deal["attributes"]["name"]) == ("deals", "Renewal")
    assert deal["relationships"]["company"]["data"]["type"] == "companies"
    (change,) = outcome["changes"]
    assert change["relationships"]["record"]["data"] == {"type": "deals", "id": deal["id"]}
    home, records, found = outcome["pages"]
    assert 'href="/admin/deals/deal/"' in home
    assert f'href="/admin/deals/deal/{deal["id"]}/change/' in records
    assert f'href="/admin/deals/deal/{deal["id"]}/change/' in found
    assert (outcome["reverted"], outcome["left"]) == (200, [])


def test_the_system_checks_and_migrations_have_nothing_to_say(copy: Copy) -> None:
    copy.run(sys.executable, "manage.py", "check", "--fail-level", "WARNING", "--database", "default")
    copy.run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")


def test_the_code_of_the_page_is_clean_and_typed(copy: Copy) -> None:
    copy.run(sys.executable, "-m", "ruff", "check", "deals", "importsvc")
    copy.run(sys.executable, "-m", "ruff", "format", "--check", "deals", "importsvc")
    copy.run(sys.executable, "-m", "mypy", "deals")


def test_the_tests_over_all_types_and_the_import_contracts_include_it(copy: Copy) -> None:
    tests = ["tests/engine/schema/test_every_importable.py", "tests/test_architecture.py"]
    passed = copy.run(sys.executable, "-m", "pytest", "-n", "0", "-v", *tests, "-k", "deal or arrows")

    assert len(re.findall(r"test_every_importable\.py::\w+\[[\w-]*deal[\w-]*\] PASSED", passed)) >= 10
    assert re.search(r"test_architecture\.py::\w*arrows\w* PASSED", passed)


def test_an_arrow_of_it_in_the_wrong_direction_is_refused(copy: Copy) -> None:
    views = copy.folder / "deals" / "views.py"
    before = views.read_text()
    views.write_text(f"{before}\nimport importsvc.engine.schema.registry\nimport importsvc.imports.models\n")
    try:
        command = [sys.executable, "-m", "pytest", "-n", "0", "tests/test_architecture.py", "-k", "arrows"]
        done = subprocess.run(command, cwd=copy.folder, env=copy.environment, capture_output=True, text=True)
    finally:
        views.write_text(before)

    assert done.returncode == 1
    assert re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE) == [
        "Apps import those before them in INSTALLED_APPS",
        "Apps reach the engine only from their importable.py",
        "Edges reach the engine only through services",
    ]
