"""Which tables have rows of organizations: those of models with a foreign key ``organization``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Model

# The name of the foreign key, and its column.
FIELD = "organization"
COLUMN = "organization_id"


@dataclass(frozen=True)
class TenantTables:
    """Tables that are distributed by the organization; names are not quoted.

    Attributes:
        organizations: the table of the organizations, distributed by its ``id``.
        records: the tables distributed by ``organization_id``.
    """

    organizations: str
    records: tuple[str, ...]


def find_organization_model(model: type[Model]) -> type[Model] | None:
    """The model of the organizations that records of this model belong to; ``None`` if they belong to none."""
    try:
        field = model._meta.get_field(FIELD)
    except FieldDoesNotExist:
        return None
    return field.related_model if isinstance(field, ForeignKey) and field.column == COLUMN else None


def find_tenant_tables(models: Iterable[type[Model]]) -> TenantTables:
    """The tables of these models; in migrations they are those of a state.

    Raises:
        LookupError: none of the models belongs to an organization, or not all of them to the same kind.
    """
    tables = (model for model in models if model._meta.managed)  # and no views
    found = {model._meta.db_table: owner for model in tables if (owner := find_organization_model(model))}
    owners = {owner._meta.db_table for owner in found.values()}
    if len(owners) != 1:
        raise LookupError(f"The organizations have {len(owners)} tables.")
    return TenantTables(owners.pop(), tuple(found))
