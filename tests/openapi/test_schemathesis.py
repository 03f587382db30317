"""The service does what the description says, for requests that schemathesis makes from it.

``script/check-description --examples N`` runs this with N examples an operation, and all invalid values of parameters.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.conf import settings

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.service import run_service

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("DESCRIPTION_EXAMPLES")

# From the creation of an import to its revert.
WAY = (
    "imports_create",
    "imports_partial_update",
    "imports_preview_import",
    "imports_run",
    "imports_changes",
    "imports_revert",
)


def run_schemathesis(caller: NewOrganization, folder: Path, *options: str) -> None:
    """Let all checks pass for the requests that a person sends to a service of its own."""
    headers = {"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk)}
    with run_service() as service:
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={HERE / 'schemathesis.toml'}",
                "run",
                f"http://127.0.0.1:{service.port}/api/v2/openapi.json",
                f"--max-examples={EXAMPLES or 10}",
                "--checks=all",
                "--continue-on-failure",
                "--no-color",
                "--generation-database=none",
                *(f"--header={name}: {value}" for name, value in headers.items()),
                *options,
            ],
            cwd=folder,
            env={
                **os.environ,
                "COVERAGE_MODE": "all" if EXAMPLES else "positive",
                "SCHEMATHESIS_HOOKS": "tests.openapi.schemathesis_hooks",
                "PYTHONPATH": str(settings.BASE_DIR),
                "STEPS_FILE": str(folder / "steps"),
            },
            capture_output=True,
            text=True,
        )
    sys.stdout.write(run.stdout)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"


def count_ways(steps: Iterable[str]) -> int:
    """How many imports went the whole way, by the successful steps: an operation and the id of its import."""
    reached: dict[str, int] = defaultdict(int)
    for operation, import_id in map(str.split, steps):
        if reached[import_id] < len(WAY) and operation == WAY[reached[import_id]]:
            reached[import_id] += 1
    return sum(each == len(WAY) for each in reached.values())


def test_every_request_is_treated_as_the_description_says(acme: NewOrganization, tmp_path: Path) -> None:
    run_schemathesis(acme, tmp_path)

    # Not only refusals were compared.
    assert Import.objects.filter(processed_at__isnull=False).exists()


def test_sequences_lead_from_an_import_to_its_revert(acme: NewOrganization, tmp_path: Path) -> None:
    chosen = [f"--include-operation-id={operation}" for operation in WAY]

    run_schemathesis(acme, tmp_path, "--phases=stateful", *chosen)

    ways = count_ways((tmp_path / "steps").read_text().splitlines())
    sys.stdout.write(f"{ways} imports were created, corrected, previewed, run, listed and reverted\n")
    assert ways
    assert Import.objects.filter(reverted_at__isnull=False).count() >= ways
