"""The service does what the description says, for requests that schemathesis makes from it.

``script/check-description --examples N`` runs this with N examples an operation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.service import run_service

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("DESCRIPTION_EXAMPLES", "3")


def run_schemathesis(port: int, caller: NewOrganization, folder: Path) -> subprocess.CompletedProcess[str]:
    """All phases and all checks, with the requests of a person."""
    headers = {"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk)}
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"http://127.0.0.1:{port}/api/v2/openapi.json",
            f"--max-examples={EXAMPLES}",
            "--checks=all",
            "--continue-on-failure",
            "--no-color",
            "--generation-database=none",
            *(f"--header={name}: {value}" for name, value in headers.items()),
        ],
        cwd=folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.openapi.schemathesis_hooks",
            "PYTHONPATH": str(settings.BASE_DIR),
        },
        capture_output=True,
        text=True,
    )


def test_every_request_is_treated_as_the_description_says(acme: NewOrganization, tmp_path: Path) -> None:
    with run_service() as service:
        run = run_schemathesis(service.port, acme, tmp_path)

    sys.stdout.write(run.stdout)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    # Not only refusals were compared.
    assert Import.objects.filter(processed_at__isnull=False, reverted_at__isnull=False).exists()
