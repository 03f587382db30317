"""The values of records that no row gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model

from importsvc.engine.schema.importable import Importable, has_computed_default
from importsvc.postgres.copy import json_text

_Field = Any


class Defaults:
    """The values of records that no row gives. Each is computed once, so all records of an import get the same."""

    def __init__(self, organization: Model) -> None:
        """``organization`` is the organization of the records."""
        self._organization = organization
        self._blanks: dict[str, list[Any]] = {}
        self._common: dict[str, dict[_Field, Any]] = {}

    def blanks(self, importable: Importable) -> Sequence[Any]:
        """For each column and reference the computed default of a blank cell; ``None`` if there is none.

        The change log has these defaults like the values that rows give.
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
        """The values of the fields without a column: the organization, and the model's defaults."""
        if importable.name not in self._common:
            common = {field: field.get_default() for field in importable.other_fields}
            self._common[importable.name] = {**common, importable.organization_field: self._organization.pk}
        return self._common[importable.name]

    def cleared(self, importable: Importable) -> Sequence[Any]:
        """For each column and reference the value that a row's explicit null stands for: null, or else a default."""
        return [
            None if field.null else field.get_default() if blank is None else blank
            for field, blank in zip(importable.fields, self.blanks(importable), strict=True)
        ]

    def describe(self) -> dict[str, dict[str, Any]]:
        """The common values that the model alone does not determine, by type and column of the table, as JSON."""
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
