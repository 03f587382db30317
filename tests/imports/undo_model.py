"""Imports and reverts in plain Python over dictionaries: slow, obvious, and independent of the SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
Key = tuple[str, int]  # a type and an id

FIELDS: dict[str, tuple[str, ...]] = {
    "company": ("name", "due_days", "description"),
    "person": ("first_name", "email", "title", "company_id"),
}
MATCHED_BY = {"company": "name", "person": "email"}


class Refused(Exception):
    """The revert is refused."""


@dataclass
class LoggedChange:
    """A change. ``left`` are all values of a created record at the end of the import."""

    type: str
    row: int
    id: int
    action: str
    before: Record = field(default_factory=dict)
    after: Record = field(default_factory=dict)
    left: Record = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """The record."""
        return self.type, self.id


@dataclass
class World:
    """The records of an organization."""

    records: dict[Key, Record] = field(default_factory=dict)

    def run(
        self, rows: Mapping[str, list[Record]], on_duplicate: str, new_id: Callable[[str, int], int]
    ) -> list[LoggedChange]:
        """Import valid rows; ``new_id`` returns the id of the record of a row."""
        changes: list[LoggedChange] = []
        for type_name in ("company", "person"):
            known = {
                str(record[MATCHED_BY[type_name]]).lower(): record_id
                for (kind, record_id), record in self.records.items()
                if kind == type_name and record[MATCHED_BY[type_name]]
            }
            for number, row in enumerate(rows.get(type_name, []), start=1):
                matched = known.get(str(row.get(MATCHED_BY[type_name]) or "").lower())
                if matched is not None and on_duplicate == "skip":
                    continue
                given = self._read(row)
                if matched is None:
                    record = {name: given.get(name) for name in FIELDS[type_name]}
                    record_id = new_id(type_name, number)
                    self.records[type_name, record_id] = record
                    changes.append(LoggedChange(type_name, number, record_id, "created", left=dict(record)))
                else:
                    record = self.records[type_name, matched]
                    changed = {name: value for name, value in given.items() if record[name] != value}
                    if changed:
                        before = {name: record[name] for name in changed}
                        changes.append(LoggedChange(type_name, number, matched, "updated", before, changed))
                        record.update(changed)
        return changes

    def _read(self, row: Record) -> Record:
        """The values of a row: no value for a blank cell, ``None`` for null, and ids for names of companies."""
        given = {name: value for name, value in row.items() if value != ""}
        if "company" in given:
            name = given.pop("company")
            given["company_id"] = None if name is None else self.find_company(name)
        return given

    def find_company(self, name: str) -> int:
        """The company of this name."""
        (found,) = [
            record_id
            for (kind, record_id), record in self.records.items()
            if kind == "company" and record["name"].lower() == name.lower()
        ]
        return found

    def revert(self, changes: list[LoggedChange], policy: str) -> dict[Key, str]:
        """Undo an import; returns the outcome of each record that was not simply removed or restored.

        Raises:
            Refused: there is a conflict, and the policy is to refuse.
        """
        left = [change for change in changes if change.key in self.records]
        kept: dict[Key, set[str]] = {}
        for change in left:
            edited, lost = self._edited(change), self._lost(change)
            if policy == "discard":
                edited = set()
            if edited or lost:
                kept[change.key] = edited | lost
        if policy == "refuse" and (kept or any(self._is_referenced(change, left, {}, policy) for change in left)):
            raise Refused
        while more := [
            change for change in left if change.key not in kept and self._is_referenced(change, left, kept, policy)
        ]:
            kept.update({change.key: set() for change in more})
        for change in left:
            if change.action == "updated":
                stays = kept.get(change.key, set())
                self.records[change.key].update({k: v for k, v in change.before.items() if k not in stays})
        for change in left:
            if change.action == "created" and change.key not in kept:
                del self.records[change.key]
        gone = {change.key: "gone" for change in changes if change not in left}
        return gone | dict.fromkeys(kept, "kept")

    def _edited(self, change: LoggedChange) -> set[str]:
        expected = change.left if change.action == "created" else change.after
        return {name for name, value in expected.items() if self.records[change.key][name] != value}

    def _lost(self, change: LoggedChange) -> set[str]:
        """The reference that cannot be restored because its company is gone."""
        company_id = change.before.get("company_id")
        return {"company_id"} if company_id is not None and ("company", company_id) not in self.records else set()

    def _is_referenced(
        self, change: LoggedChange, left: list[LoggedChange], kept: Mapping[Key, set[str]], policy: str
    ) -> bool:
        """Whether a person refers to the created company and is neither removed nor moved back."""
        if change.action != "created" or change.type != "company":
            return False
        own = {each.key: each for each in left}
        for key, record in self.records.items():
            if key[0] != "person" or record["company_id"] != change.id:
                continue
            mine = own.get(key)
            if mine is None:
                return True
            if mine.action == "created":
                goes = key not in kept
            else:
                unedited = mine.after.get("company_id") == change.id
                restored = "company_id" in mine.after and (unedited or policy == "discard")
                goes = restored and "company_id" not in kept.get(key, set())
            if not goes:
                return True
        return False
