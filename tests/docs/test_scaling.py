"""docs/scaling.md says of each table where it is on a cluster, and why."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from importsvc.postgres.citus.tenants import find_tenant_tables

PAGE = Path(settings.BASE_DIR) / "docs" / "scaling.md"


def test_each_table_is_distributed_or_listed_with_a_reason() -> None:
    models: list[type[Model]] = [*apps.get_models(include_auto_created=True), MigrationRecorder.Migration]
    tables = {model._meta.db_table for model in models if model._meta.managed}
    distributed = find_tenant_tables(models)
    rows = re.findall(r"^\| (`.*`) \| on the coordinator \| .+ \|$", PAGE.read_text(), re.MULTILINE)
    patterns = [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row)]

    local = tables - {distributed.organizations, *distributed.records}

    assert {table for table in local if not any(fnmatch(table, pattern) for pattern in patterns)} == set()
    assert [pattern for pattern in patterns if not any(fnmatch(table, pattern) for table in local)] == []
    assert f"Distributed {len(distributed.records) + 1} tables over" in PAGE.read_text()
