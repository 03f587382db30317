"""What records get that no row says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model

from importsvc.engine.schema.importable import Importable, has_computed_default
from importsvc.postgres.copy import json_text

_Field = Any


class Defaults:
    """What records get that no row says. It is asked once, and so the same however many loads an import takes."""

    def __init__(self, organization: Model) -> None:
        """``organization`` is the one that the records will belong to."""
        self._organization = organization
        self._blanks: dict[str, list[Any]] = {}
        self._common: dict[str, dict[_Field, Any]] = {}

    def blanks(self, importable: Importable) -> Sequence[Any]:
        """For each column and reference what a blank cell means, as far as it takes working out; else ``None``.

        It belongs in the change log with the values that rows give.
        """
        if importable.name not in self._blanks:
            fields = importable.fields
            blanks = [field.get_default() if has_computed_default(field) else None for field in fields]
            for position, column in enumerate(importable.columns):
                if column.default:
                    blanks[position] = column.default(self._organization)
            self._blanks[importable.name] = blanks
        return self._blanks[importable.name]

    def common(self, importable: Importable) -> Mapping[_Field, Any]:
        """The values of the fields that no row fills: the organization, and the model's defaults."""
        if importable.name not in self._common:
            common = {field: field.get_default() for field in importable.other_fields}
            self._common[importable.name] = {**common, importable.organization_field: self._organization.pk}
        return self._common[importable.name]

    def cleared(self, importable: Importable) -> Sequence[Any]:
        """For each column and reference what a record has that is to have no value there: null, or the default."""
        return [
            None if field.null else field.get_default() if blank is None else blank
            for field, blank in zip(importable.fields, self.blanks(importable), strict=True)
        ]

    def describe(self) -> dict[str, dict[str, Any]]:
        """The common values that a later look at the model would not tell, by type and column of the table, as JSON."""
        described = {
            name: {
                field.column: value
                for field, value in common.items()
                if field.name == "organization" or has_computed_default(field)
            }
            for name, common in self._common.items()
        }
        result: dict[str, dict[str, Any]] = json.loads(json_text(described))
        return result
