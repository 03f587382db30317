"""Fixtures of the whole suite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import override_settings

from importsvc.engine.schema import registry
from people.services import NewOrganization, create_organization
from tests.builders import make_company, make_organization
from tests.client import ApiClient
from tests.emptying import empty_tables, flush_tables
from tests.openapi.description import forget_description
from tests.postgres.clusters import make_open_folder


@pytest.fixture(scope="session", autouse=True)
def without_rate_limits() -> Iterator[None]:
    """Tests send many requests at once, in this process and in those that they start."""
    with pytest.MonkeyPatch.context() as environment, override_settings(RATE_LIMITS={}):
        environment.setenv("API_RATE_LIMIT", "off")
        environment.setenv("ORGANIZATION_RATE_LIMIT", "off")
        yield


@pytest.fixture(scope="session", autouse=True)
def without_static_files_in_memory() -> Iterator[None]:
    """Static files are looked for when they are requested: reading about all of them takes longer than most tests."""
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session")
def cluster(django_db_modify_db_settings: None) -> bool:
    """Whether ``DATABASE_URL`` names a database of a cluster; if so, there is an empty one for the tests, too."""
    # Not the embedded server, which would start with a database of its own.
    if connection.settings_dict["ENGINE"] != "importsvc.postgres.citus":
        return False
    parameters: dict[str, Any] = {**connection.get_connection_params()}
    if not _has_citus(parameters):
        return False
    from benchmarks.cluster.databases import create_cluster_database, list_servers

    if not (servers := list_servers(parameters)):
        return False
    create_cluster_database(
        parameters, connection.settings_dict["TEST"]["NAME"] or f"test_{connection.settings_dict['NAME']}", servers
    )
    return True


def _has_citus(parameters: dict[str, Any]) -> bool:
    try:
        other = psycopg2.connect(**parameters)
    except psycopg2.OperationalError:
        return False  # a database that is not there: Django creates that of the tests beside it
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
        return cursor.fetchone() is not None


@pytest.fixture(autouse=True)
def skip_in_cluster(request: pytest.FixtureRequest) -> None:
    """Skip tests of what a cluster cannot do, or does otherwise: those marked ``one_server``, with the reason."""
    marker = request.node.get_closest_marker("one_server")
    if marker is not None and request.getfixturevalue("cluster"):
        pytest.skip(marker.args[0])


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, cluster: bool) -> bool:
    """Whether Django uses a test database that is there."""
    return django_db_keepdb or cluster


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, cluster: bool) -> Iterator[None]:
    """The test database, which is distributed if it is one of a cluster."""
    if cluster:
        with django_db_blocker.unblock():
            # Few parts: each costs time when tables are made and emptied.
            call_command("distribute", shards=2, verbosity=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush_tables if cluster else empty_tables)
        yield


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for the files of an embedded server, in place of ``tmp_path``."""
    with make_open_folder() as folder:
        yield folder


@pytest.fixture
def acme(db: None) -> NewOrganization:
    """An organization in Zagreb with a user and its token."""
    return create_organization(
        name="Acme", email="ada@acme.test", first_name="Ada", last_name="Lovelace", time_zone="Europe/Zagreb"
    )


@pytest.fixture
def api(acme: NewOrganization) -> ApiClient:
    """A client that sends requests of that user."""
    return ApiClient(acme)


@pytest.fixture
def globex(db: None) -> NewOrganization:
    """Another organization."""
    return make_organization(name="Globex")


@pytest.fixture
def admin_user(db: None) -> User:
    """The user of pytest-django's ``admin_client``, without a password: hashing one takes longer than a whole test."""
    return User.objects.create_user("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def deals(acme: NewOrganization) -> Iterator[Any]:
    """The records of a third type, whose app is installed during the test; Acme also has the company Blues."""
    forget_description()
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.deals"]):
        # The app's start imports importable.py, as of any app; the second time Python has loaded it already.
        from tests.deals.models import Deal

        with connection.schema_editor() as editor:
            editor.create_model(Deal)
        make_company(organization=acme.organization, name="Blues")
        yield Deal._default_manager.order_by("id")
        registry.unregister("deal")
        admin.site.unregister(Deal)
        del sys.modules["tests.deals.importable"]
    forget_description()
