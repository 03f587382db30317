"""Clients in JavaScript tell the whole story; their scripts in ``javascript`` have the assertions."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.clients.conftest import Access
from tests.clients.javascript import Project, install
from tests.clients.story import FOLDER

# All use one service.
pytestmark = pytest.mark.xdist_group("clients")


@pytest.fixture(scope="session")
def project() -> Project:
    """The folder with the packages and the scripts."""
    return install()


@pytest.mark.parametrize("script", ["kitsu.mjs", "devour.mjs"])
def test_the_whole_story(project: Project, access: Access, script: str) -> None:
    project.run("node", script, environment=access.environment)


def test_the_whole_story_in_strict_typescript_with_types_from_the_description(project: Project, access: Access) -> None:
    project.run("openapi-typescript", str(settings.BASE_DIR / "docs/openapi.json"), "--output", "schema.d.ts")
    project.run("tsc", "--strict")

    project.run("node", "compiled/openapi-fetch.js", environment=access.environment)


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (FOLDER / "javascript/package-lock.json").read_text()
