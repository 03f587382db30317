"""A running service with a worker, and where clients find it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from people.services import create_organization
from tests.service import Service, run_service


@dataclass(frozen=True)
class Access:
    """What a client needs to know.

    Attributes:
        url: of the API, without a slash at the end.
        organization: its id.
        token: of a person of the organization, Ada.
    """

    url: str
    organization: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {"X-Auth-Token": self.token, "X-Organization-Id": self.organization}

    @property
    def environment(self) -> Mapping[str, str]:
        """The same, for the programs of the examples and the scripts in JavaScript."""
        return {"API": self.url, "ORGANIZATION": self.organization, "TOKEN": self.token}


# Not longer: its worker would do the operations of other tests.
@pytest.fixture(scope="package")
def service(django_db_setup: None) -> Iterator[Service]:
    """The service, for all tests here."""
    with run_service("--no-demo") as service:
        yield service


@pytest.fixture
def access(transactional_db: None, service: Service) -> Access:
    """An organization of the service with one person."""
    acme = create_organization(name="Acme", email="ada@acme.test", first_name="Ada", last_name="Lovelace")
    return Access(f"http://127.0.0.1:{service.port}/api/v2", str(acme.organization.pk), acme.token)
