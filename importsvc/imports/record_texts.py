"""Records, their fields and their values in words, for pages and reports."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Field, ForeignKey, Model
from django.utils.text import capfirst

from importsvc.changelog.models import Change
from importsvc.imports.services import (
    find_match_key,
    find_record_model,
    find_record_type,
    get_record_fields,
    get_record_noun,
)


class RecordTexts:
    """The records of changes of one organization, and the records that their values refer to, in words.

    They are read by three queries at most for each type, and not again.
    """

    def __init__(self, changes: Iterable[Change], *, organization_id: int) -> None:
        """Read the records of these changes, and those that the values refer to."""
        self._organization_id = organization_id
        self._fields: dict[str, dict[str, Field[Any, Any]]] = {}
        self._records: dict[type[Model], dict[int, Model]] = defaultdict(dict)
        self._former: dict[type[Model], dict[int, Model]] = defaultdict(dict)
        changes = list(changes)
        records: dict[type[Model], set[int]] = defaultdict(set)
        for change in changes:
            if model := find_record_model(change.record_type):
                records[model].add(change.record_id)
        self.read(records)
        referred: dict[type[Model], set[int]] = defaultdict(set)
        for change in changes:
            for model, record_id in self._list_references(change):
                referred[model].add(record_id)
        self.read(referred)
        self._read_former(changes, referred)

    def read(self, ids: Mapping[type[Model], Iterable[int]]) -> None:
        """Read further records of the organization, by model."""
        for model, ids_of_model in ids.items():
            missing = set(ids_of_model) - self._records[model].keys()
            if missing:
                found = model._default_manager.filter(organization=self._organization_id)
                self._records[model].update(found.in_bulk(list(missing)))

    def find_record(self, change: Change) -> Model | None:
        """The record of a change; ``None`` if it no longer exists or its type is not registered."""
        model = find_record_model(change.record_type)
        return self.find(model, change.record_id) if model else None

    def find(self, model: type[Model], record_id: int) -> Model | None:
        """A record that was read; ``None`` if it does not exist."""
        return self._records[model].get(record_id)

    def name_record(self, change: Change) -> str:
        """The name of the record as it is now, or as the import left it if it no longer exists."""
        record = self.find_record(change) or self._make_record(change)
        name = str(record) if record else ""
        return name or f"{get_record_noun(change.record_type)} {change.record_id}"

    def find_key(self, change: Change) -> str:
        """The value by which rows match the record, such as an e-mail address; empty if that is its name."""
        key, record = find_match_key(change.record_type), self.find_record(change) or self._make_record(change)
        value = getattr(record, key) if key and record else None
        return "" if value is None or str(value) == str(record) else str(value)

    def sort_fields(self, record_type: str, columns: Iterable[str]) -> list[str]:
        """The columns in the order of the type; those that its table no longer has at the end."""
        order = {column: position for position, column in enumerate(self._get_fields(record_type))}
        return sorted(columns, key=lambda column: (order.get(column, len(order)), column))

    def label(self, record_type: str, column: str) -> str:
        """The name of a field, such as ``First name``; that of the column if the table no longer has it."""
        field = self._get_fields(record_type).get(column)
        return str(capfirst(field.verbose_name)) if field else column

    def describe(self, record_type: str, column: str, value: object) -> str:
        """A value of the change log or of a record; a reference by the name of the record. Empty for none."""
        model = _find_referred_model(self._get_fields(record_type).get(column))
        if model is None or not isinstance(value, int):
            return _describe(value)
        record = self.find(model, value) or self._former[model].get(value)
        return f"{model._meta.verbose_name} {value}, gone" if record is None else str(record)

    def describe_now(self, change: Change, column: str) -> str:
        """The value that the record has now; empty without one, or without the record or the column."""
        record, field = self.find_record(change), self._get_fields(change.record_type).get(column)
        if record is None or field is None:
            return ""
        return self.describe(change.record_type, column, getattr(record, field.attname))

    def _read_former(self, changes: Sequence[Change], ids: Mapping[type[Model], Iterable[int]]) -> None:
        """Read what the imports made of records that no longer exist."""
        for model, ids_of_model in ids.items():
            gone = set(ids_of_model) - self._records[model].keys()
            record_type = find_record_type(model)
            if gone and record_type:
                logged = Change.objects.filter(
                    organization_id=self._organization_id,
                    import_record_id__in={change.import_record_id for change in changes},
                )
                for change in logged.filter(record_type=record_type).of_records(gone):
                    if record := self._make_record(change):
                        self._former[model][change.record_id] = record

    def _get_fields(self, record_type: str) -> dict[str, Field[Any, Any]]:
        if record_type not in self._fields:
            self._fields[record_type] = {str(field.column): field for field in get_record_fields(record_type)}
        return self._fields[record_type]

    def _make_record(self, change: Change) -> Model | None:
        """The record as the import left it, with the fields that the change log has."""
        model, fields = find_record_model(change.record_type), self._get_fields(change.record_type)
        values = {fields[name].attname: value for name, value in (change.after or {}).items() if name in fields}
        return model(**values) if model and values else None

    def _list_references(self, change: Change) -> Iterable[tuple[type[Model], int]]:
        record = self.find_record(change)
        for column, field in self._get_fields(change.record_type).items():
            if model := _find_referred_model(field):
                values = [side[column] for side in (change.before, change.after) if side and column in side]
                values += [getattr(record, field.attname)] if record else []
                yield from ((model, value) for value in values if isinstance(value, int))


def _find_referred_model(field: Field[Any, Any] | None) -> type[Model] | None:
    """The model of the records that the values of the field refer to; ``None`` if they refer to none."""
    return field.remote_field.model if isinstance(field, ForeignKey) else None


def _describe(value: object) -> str:
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, int | float | list | dict) else str(value)
