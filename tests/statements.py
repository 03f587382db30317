"""Finds statements that read a tenant's table without naming the organization, by PostgreSQL's plans."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Model

PACKAGES = ("importsvc", "organizations", "companies", "people")
COLUMN = r'"?\w+"?\."?\w+"?'
EQUALITY = re.compile(rf"({COLUMN}) = ({COLUMN}|ANY|\d+|'[^']*')")
PLANNED = re.compile(r"\s*\(?\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)

# What Citus adds to the name of a table for each part of it.
_SHARD = re.compile(r"_\d{6,}$")


class Unscoped(NamedTuple):
    """A statement that reads a tenant's table without a condition on the organization.

    Attributes:
        step: of the story, in which it was executed.
        table: that it reads.
        sql: the statement, with parameters in it.
    """

    step: str
    table: str
    sql: str


def find_models(*, with_organization: bool) -> list[type[Model]]:
    """The project's models that belong to an organization, or the ones that do not."""
    own = (model for model in apps.get_models() if model.__module__.split(".")[0] in PACKAGES)
    models = [model for model in own if model._meta.managed]  # a plan has the tables of a view
    return [model for model in models if ("organization" in {f.name for f in model._meta.fields}) is with_organization]


class Watch:
    """Has PostgreSQL plan each statement before it is executed, and collects the ``Unscoped`` ones."""

    def __init__(self) -> None:
        self.tables = {model._meta.db_table for model in find_models(with_organization=True)}
        self.found: list[Unscoped] = []
        self.seen: set[str] = set()
        self._is_planning = False

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Watch the statements executed in the block."""
        self._step = name
        with connection.execute_wrapper(self._watch):
            yield

    def _watch(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not self._is_planning and isinstance(sql, str) and PLANNED.match(sql) and not many:
            self._is_planning = True
            try:
                self._plan(sql, params)
            finally:
                self._is_planning = False
        return execute(sql, params, many, context)

    def _plan(self, sql: str, params: Any) -> None:
        with connection.cursor() as cursor:
            written = cursor.mogrify(sql, params).decode()
            cursor.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {sql}", params)
            (explained,) = cursor.fetchone()
        plan = explained if isinstance(explained, list) else json.loads(explained)
        if jobs := list(_find_jobs(plan)):
            self._note_jobs(jobs, written)
            return
        nodes = list(_list_nodes(plan[0]["Plan"]))
        restricted = _find_restricted(nodes)
        for node in nodes:
            table = node.get("Relation Name")
            if table in self.tables and node["Node Type"] != "ModifyTable":
                self.seen.add(table)
                if f"{node['Alias']}.organization_id" not in restricted:
                    self.found.append(Unscoped(self._step, table, written))

    def _note_jobs(self, jobs: list[dict[str, Any]], sql: str) -> None:
        """In a cluster, a statement names the organization if it is one task, which one node does."""
        for job in jobs:
            plans = [part["Plan"] for task in job["Tasks"] for plan in task["Remote Plan"] for part in plan]
            names = {_SHARD.sub("", node.get("Relation Name", "")) for plan in plans for node in _list_nodes(plan)}
            self.seen |= names & self.tables
            if job["Task Count"] > 1:
                self.found += [Unscoped(self._step, table, sql) for table in sorted(names & self.tables)]


def _find_jobs(explained: Any) -> Iterator[dict[str, Any]]:
    """The jobs of Citus in a plan and in its subplans."""
    for part in explained if isinstance(explained, list) else explained.values():
        if isinstance(part, list | dict):
            yield from _find_jobs(part)
    if isinstance(explained, dict) and "Job" in explained:
        yield explained["Job"]


def _list_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _list_nodes(part)


def _list_conditions(node: dict[str, Any]) -> Iterator[str]:
    for name, value in node.items():
        if name.endswith(("Cond", "Filter")) and isinstance(value, str):
            yield value


def _find_restricted(nodes: list[dict[str, Any]]) -> set[str]:
    """The columns, as ``alias.column``, that equal a value of the statement, directly or through other columns."""
    equal: list[tuple[str, str]] = []
    for node in nodes:
        for condition in _list_conditions(node):
            equal += [(a.replace('"', ""), b.replace('"', "")) for a, b in EQUALITY.findall(condition)]
        if node["Node Type"] == "Subquery Scan":
            organizations = [each for each in node["Plans"][0]["Output"] if each.endswith(".organization_id")]
            equal += [(f"{node['Alias']}.organization_id", each) for each in organizations]
    restricted = {a for pair in equal for a, b in (pair, pair[::-1]) if not re.fullmatch(COLUMN, b)}
    while more := {a for pair in equal for a, b in (pair, pair[::-1]) if b in restricted} - restricted:
        restricted |= more
    return restricted
