"""The service does what the description says, for requests that schemathesis makes from it.

``script/check-description --examples N`` runs this with N examples an operation, other ones each time, more sequences
along the links, and all invalid values of parameters.
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
EXAMPLES = os.environ.get("DESCRIPTION_EXAMPLES")


def run_schemathesis(caller: NewOrganization, folder: Path) -> None:
    """Let all checks pass for the requests that a person sends to a service of its own."""
    config = folder / "schemathesis.toml"
    # All invalid values of each parameter take three quarters of the time.
    mode, sequences = ("all", 25) if EXAMPLES else ("positive", 10)
    shared = (HERE / "schemathesis.toml").read_text()
    config.write_text(
        f'{shared}\ngeneration.max-examples = {sequences}\n\n[phases.coverage]\ngeneration.mode = "{mode}"\n'
    )
    headers = {"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk)}
    with run_service() as service:
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={config}",
                "run",
                f"http://127.0.0.1:{service.port}/api/v2/openapi.json",
                f"--max-examples={EXAMPLES or 5}",
                "--checks=all",
                "--continue-on-failure",
                "--no-color",
                "--generation-database=none",
                # The same requests in every run of the suite, so that a failure is due to a change.
                *(() if EXAMPLES else ("--seed=1",)),
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
    sys.stdout.write(run.stdout)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"


def test_every_request_is_treated_as_the_description_says(acme: NewOrganization, tmp_path: Path) -> None:
    run_schemathesis(acme, tmp_path)

    # Not only refusals were compared.
    assert Import.objects.filter(processed_at__isnull=False).exists()
