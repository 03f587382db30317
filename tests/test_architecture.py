"""The permitted imports between packages, and what the project's code never does; see ``docs/architecture.md``."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT: Path = settings.BASE_DIR
APPS = [config.name for config in apps.get_app_configs() if Path(config.path).parent in (ROOT, ROOT / "importsvc")]
PACKAGES = [name for name in APPS if "." not in name and name != "importsvc"]
SOURCES = sorted(path for package in ("importsvc", *PACKAGES) for path in (ROOT / package).rglob("*.py"))
PURE = [
    "errors",
    "parse.cells",
    "parse.chunks",
    "parse.rows",
    "plan.plan",
    "plan.row_checks",
    "schema.importable",
]
# Adds each import alone to its module; prints the exit status and the broken contracts of each.
LINT_EACH = """
import contextlib, io, json, re, sys
from pathlib import Path
from importlinter.cli import lint_imports

outcomes = []
for importer, imported in json.load(sys.stdin):
    module = Path(importer.replace(".", "/") + ".py")
    before = module.read_text()
    module.write_text(f"{before}\\nimport {imported}\\n")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = lint_imports(no_cache=True, no_logo=True)
    module.write_text(before)
    outcomes.append([status, re.findall("^(.+) BROKEN", printed.getvalue(), re.MULTILINE)])
json.dump(outcomes, sys.stdout)
"""

DOWNWARDS = "Apps import those before them in INSTALLED_APPS"
ENGINE = "The engine knows no app but the change log, no Import and no HTTP"
IMPORTABLES = "Apps reach the engine only from their importable.py"
DIALECT = "The JSON:API dialect knows no resource"
IS_PURE = "Cells, rows and plan are pure: no Django, no database"
NO_HTTP = "Models, services and what they refuse know no HTTP"
EDGES = "Edges reach the engine only through services"

# Forbidden imports, and the contracts of setup.cfg that refuse them.
FORBIDDEN = [
    ("organizations.models", "companies.models", [DOWNWARDS]),
    ("companies.models", "people.models", [DOWNWARDS]),
    ("people.models", "importsvc.imports.models", [DOWNWARDS]),
    ("people.models", "importsvc.webhooks.models", [DOWNWARDS]),
    ("importsvc.webhooks.models", "importsvc.imports.models", [DOWNWARDS]),
    ("importsvc.webhooks.sending", "importsvc.jsonapi.errors", [NO_HTTP]),
    ("importsvc.imports.models.imports", "importsvc.import_sessions.models", [DOWNWARDS]),
    ("importsvc.import_sessions.services", "importsvc.jsonapi.errors", [NO_HTTP]),
    ("importsvc.import_sessions.views", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.webhooks.views", "importsvc.engine.schema.registry", [IMPORTABLES, EDGES]),
    ("importsvc.engine.schema.registry", "people.models", [DOWNWARDS, ENGINE]),
    ("importsvc.engine.revert.revert", "rest_framework.exceptions", [ENGINE, NO_HTTP]),
    ("importsvc.changelog.models", "importsvc.imports.models", [DOWNWARDS]),
    ("importsvc.changelog.models", "organizations.models", [DOWNWARDS]),
    ("importsvc.changelog.selectors", "importsvc.engine.schema.registry", [IMPORTABLES]),
    ("organizations.models", "importsvc.idempotency.models", [DOWNWARDS]),
    ("importsvc.idempotency.models", "companies.models", [DOWNWARDS]),
    ("people.services", "importsvc.engine.schema.registry", [IMPORTABLES, EDGES]),
    ("companies.views", "importsvc.engine.schema.registry", [IMPORTABLES, EDGES]),
    ("importsvc.jsonapi.views", "organizations.features", [DIALECT]),
    ("importsvc.jsonapi.request.parsers", "importsvc.engine.parse.chunks", [DIALECT, EDGES]),
    ("importsvc.jsonapi.views", "importsvc.idempotency.decorator", [DOWNWARDS, DIALECT]),
    ("importsvc.idempotency.services", "importsvc.jsonapi.errors", [NO_HTTP]),
    ("importsvc.engine.plan.plan", "django.db", [IS_PURE]),
    ("importsvc.files.reading.workbooks", "django.conf", [IS_PURE]),
    ("importsvc.imports.services.importing", "importsvc.jsonapi.errors", [NO_HTTP]),
    ("importsvc.imports.admin.home", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.imports.admin.downloads", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.imports.api.views", "importsvc.engine.revert.revert", [EDGES]),
    ("importsvc.imports.formatting", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.imports.selectors", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.admin_site.site", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.urls", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.wizard.check", "importsvc.engine.schema.registry", [EDGES]),
    ("importsvc.imports.management.commands.import_file", "importsvc.engine.errors", [EDGES]),
    ("importsvc.management.output", "importsvc.imports.models", [DOWNWARDS]),  # used by people's commands
]


def write_contracts(folder: Path) -> Path:
    """``setup.cfg`` with the names of the apps in it, in another folder."""
    contracts = (ROOT / "setup.cfg").read_text()
    names = {"{apps}": [name for name in reversed(APPS) if name != "importsvc"], "{packages}": PACKAGES}
    for placeholder, apps_named in names.items():
        contracts = contracts.replace(placeholder, "\n    ".join(apps_named))
    written = folder / "setup.cfg"
    written.write_text(contracts)
    return written


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's packages and their contracts, to be modified."""
    write_contracts(tmp_path)
    for package in ("importsvc", *PACKAGES):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Every node of this kind in the project's code, with its place."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kind):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def test_the_arrows_of_the_import_contracts_hold(tmp_path: Path) -> None:
    assert (
        lint_imports(config_filename=str(write_contracts(tmp_path)), no_cache=True, no_logo=True) == EXIT_STATUS_SUCCESS
    )


def test_a_forbidden_import_breaks_its_contracts(copy: Path) -> None:
    cases = [(importer, imported) for importer, imported, _ in FORBIDDEN]

    linted = subprocess.run(
        [sys.executable, "-c", LINT_EACH], cwd=copy, input=json.dumps(cases), capture_output=True, text=True, check=True
    )

    outcomes = dict(zip(cases, json.loads(linted.stdout), strict=True))
    assert outcomes == {(importer, imported): [1, contracts] for importer, imported, contracts in FORBIDDEN}


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_load_neither_django_nor_a_database_driver(module: str) -> None:
    code = f"import sys, importsvc.engine.{module}; sys.exit(bool({{'django', 'psycopg2'}} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_reading_files_loads_neither_django_nor_a_database_driver() -> None:
    code = (
        "import sys, importsvc.files.reading.detecting, importsvc.files.reading.opening; "
        "sys.exit(bool({'django', 'psycopg2'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_model_has_a_default_ordering() -> None:
    models = [model for config in apps.get_app_configs() if config.name in APPS for model in config.get_models()]

    assert len(models) >= 5
    assert [model for model in models if model._meta.ordering] == []


def test_no_code_connects_to_signals() -> None:
    imported = {
        where: f"{node.module}.{alias.name}"
        for where, node in nodes(ast.ImportFrom)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert [where for where, name in imported.items() if "signals" in name or name.startswith("django.dispatch")] == []


def test_no_model_overrides_save_or_delete() -> None:
    overriding = [
        where
        for where, node in nodes(ast.FunctionDef)
        if isinstance(node, ast.FunctionDef) and node.name in ("save", "delete", "full_clean")
    ]

    assert overriding == []
