"""Imports, edits, removals and reverts in any order: after every step the database equals a model in plain Python."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.imports.errors import RevertConflict, RowsInvalid
from importsvc.imports.services import create_import, preview_import, preview_revert, revert_import, run_import
from organizations.models import Organization
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.imports.undo_model import FIELDS, Key, LoggedChange, Record, Refused, World

# Examples in a run of the suite; an environment variable allows more.
RUNS = int(os.environ.get("STATEFUL_RUNS", "100"))
STEPS = 15

MODELS: dict[str, Any] = {"company": Company, "person": Person}

company_names = st.sampled_from(["Greens", "Reds", "REDS", "Blues", "Yellows"])
emails = st.sampled_from(["ann@acme.test", "Ann@acme.test", "bob@acme.test", "cid@acme.test"])
texts = st.sampled_from(["A", "B", "C"])
companies = st.fixed_dictionaries(
    {"name": company_names},
    optional={"due_days": st.sampled_from([None, 7, 30]), "description": texts | st.sampled_from([None, ""])},
)
people = st.fixed_dictionaries(
    {"first_name": texts},
    optional={
        "email": emails | st.just(""),
        "title": texts | st.sampled_from([None, ""]),
        "company": st.sampled_from(["Greens", "Reds", "Blues", None, ""]),
    },
)
payloads = st.fixed_dictionaries(
    {
        "company": st.lists(companies, max_size=3, unique_by=lambda row: str(row["name"]).lower()),
        "person": st.lists(people, max_size=3, unique_by=lambda row: str(row.get("email") or "").lower() or id(row)),
    }
).filter(lambda rows: rows["company"] or rows["person"])


class Imports(RuleBasedStateMachine):
    """An organization, another one with the same names and addresses, and a model of the expected records."""

    imports = Bundle("imports")

    def __init__(self, caller: NewOrganization, other: Organization) -> None:
        super().__init__()
        self.caller = caller
        self.organization = caller.organization
        self.other = other

    @initialize()
    def begin(self) -> None:
        """Begin a transaction that ``teardown`` rolls back."""
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        records, self.theirs = self.read()
        self.world = World({key: dict(record) for key, record in records.items()})

    def teardown(self) -> None:
        """Roll everything back."""
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def read(self) -> list[dict[Key, Record]]:
        """The records of both organizations."""
        found: dict[int, dict[Key, Record]] = {self.organization.pk: {}, self.other.pk: {}}
        for name, model in MODELS.items():
            records = model.objects.filter(organization__in=found)
            for record in records.order_by("id").values("organization_id", "id", *FIELDS[name]):
                found[record.pop("organization_id")][name, record.pop("id")] = record
        return list(found.values())

    @invariant()
    def the_database_is_what_the_model_says(self) -> None:
        """Compare the records of both organizations."""
        if hasattr(self, "world"):
            assert self.read() == [self.world.records, self.theirs]

    @rule(target=imports, rows=payloads, on_duplicate=st.sampled_from(["update", "error", "update", "skip"]))
    def run(self, rows: dict[str, list[Record]], on_duplicate: Any) -> Any:
        """Run an import; a refusal changes nothing."""
        rows = {name: given for name, given in rows.items() if given}
        try:
            import_ = create_import(
                organization=self.organization,
                creator=self.caller.person,
                import_data=json.dumps(rows),
                on_duplicate=on_duplicate,
            )
        except RowsInvalid:
            return multiple()
        seen = preview_import(organization=self.organization, import_id=import_.pk)
        done = run_import(organization=self.organization, import_id=import_.pk, if_match=[seen.etag])
        assert done.counts == seen.counts
        changes = list(Change.objects.filter(import_record=import_))
        ids = {(change.record_type, change.row): change.record_id for change in changes}
        expected = self.world.run(rows, on_duplicate, lambda name, row: ids[name, row])
        assert {(each.type, each.row, each.id, each.action) for each in expected} == {
            (change.record_type, change.row, change.record_id, change.action) for change in changes
        }
        return import_.pk, expected

    @rule(import_=consumes(imports))
    def revert_if_undisturbed(self, import_: tuple[int, list[LoggedChange]]) -> None:
        """Revert an import; conflicts are refused."""
        self.revert(import_, "refuse")

    @rule(import_=consumes(imports), policy=st.sampled_from(["keep", "discard"]))
    def revert_what_can_be(self, import_: tuple[int, list[LoggedChange]], policy: Any) -> None:
        """Revert an import in spite of conflicts."""
        self.revert(import_, policy)

    def revert(self, import_: tuple[int, list[LoggedChange]], policy: Any) -> None:
        """Revert an import; the result equals the model's, and a refusal changes nothing."""
        import_id, expected = import_
        seen = preview_revert(organization=self.organization, import_id=import_id)
        known: dict[str, Any] = {
            "organization": self.organization,
            "import_id": import_id,
            "if_match": [seen.etag],
        }
        try:
            outcomes = self.world.revert(expected, policy)
        except Refused:
            with pytest.raises(RevertConflict):
                revert_import(**known)
            assert sum(of_type["conflict"] for of_type in seen.counts.values())
            outcomes = self.world.revert(expected, "keep")
            revert_import(**known, on_conflict="keep")
        else:
            revert_import(**known, on_conflict=policy)
        changes = Change.objects.filter(import_record=import_id).exclude(outcome=None)
        assert {(change.record_type, change.record_id): change.outcome for change in changes} == outcomes

    @rule(data=st.data(), by_sql=st.booleans())
    def edit_any(self, data: st.DataObject, by_sql: bool) -> None:
        """Edit a value of any record."""
        key = data.draw(st.sampled_from(sorted(self.world.records)))
        names = {"company": ["due_days", "description"], "person": ["title", "company_id"]}
        self.edit(data, key, data.draw(st.sampled_from(names[key[0]])), by_sql)

    @rule(import_=imports, data=st.data(), by_sql=st.booleans())
    def edit_imported(self, import_: tuple[int, list[LoggedChange]], data: st.DataObject, by_sql: bool) -> None:
        """Edit a value that an import wrote."""
        changes = [change for change in import_[1] if change.key in self.world.records]
        if changes:
            change = data.draw(st.sampled_from(changes))
            names = sorted((change.left or change.after).keys() - {"name", "email", "first_name"})
            if names:
                self.edit(data, change.key, data.draw(st.sampled_from(names)), by_sql)

    @rule(import_=imports, data=st.data(), by_sql=st.booleans())
    def refer(self, import_: tuple[int, list[LoggedChange]], data: st.DataObject, by_sql: bool) -> None:
        """Let a person refer to a company that an import wrote."""
        written = [change.id for change in import_[1] if change.type == "company" and change.key in self.world.records]
        if written:
            people = [key for key in sorted(self.world.records) if key[0] == "person"]
            key, value = data.draw(st.sampled_from(people)), data.draw(st.sampled_from(written))
            self.write(key, "company_id", value, by_sql)

    def edit(self, data: st.DataObject, key: Key, name: str, by_sql: bool) -> None:
        """Write a value, perhaps the same one."""
        choices: dict[str, list[Any]] = {
            "due_days": [None, 7, 30],
            "company_id": [None, *(record_id for kind, record_id in sorted(self.world.records) if kind == "company")],
        }
        self.write(key, name, data.draw(st.sampled_from(choices.get(name, ["A", "B", None]))), by_sql)

    def write(self, key: Key, name: str, value: Any, by_sql: bool) -> None:
        """Write a value."""
        model = MODELS[key[0]]
        if by_sql:
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {model._meta.db_table} SET {name} = %s WHERE id = %s", [value, key[1]])
        else:
            record = model.objects.get(pk=key[1])
            setattr(record, name, value)
            record.save(update_fields=[name])
        self.world.records[key][name] = value

    @precondition(lambda self: len(self.world.records) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Delete a record without referrers."""
        caller = ("person", self.caller.person.pk)
        key = data.draw(st.sampled_from(sorted(self.world.records.keys() - {caller})))
        try:
            MODELS[key[0]].objects.get(pk=key[1]).delete()
        except ProtectedError:
            return
        del self.world.records[key]


@pytest.mark.django_db
def test_the_database_equals_the_model_after_every_step() -> None:
    caller, other = make_organization(name="Acme"), make_organization(name="Globex").organization
    for organization in (caller.organization, other):
        reds = make_company(organization=organization, name="Reds", due_days=7)
        make_company(organization=organization, name="Blues")
        make_person(organization=organization, first_name="A", email="ann@acme.test", company=reds)
        make_person(organization=organization, first_name="B", email="bob@acme.test")
    run_state_machine_as_test(
        lambda: Imports(caller, other),  # type: ignore[arg-type]  # a function is as good, says its documentation
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
