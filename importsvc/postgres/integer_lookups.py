"""Comparisons with integers that no column can have.

PostgreSQL compares any number with a ``bigint``. Citus takes none out of its range for the column by which rows are
distributed. Django executes no statement that compares an integer field with such a number; here the same holds for
foreign keys and lists.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BigIntegerField, ForeignKey, IntegerField
from django.db.models.fields.related_lookups import RelatedExact, RelatedIn
from django.db.models.lookups import In


def _has_range_of_bigint(value: Any) -> bool:
    """Whether the value is no integer, or one that fits into a ``bigint``."""
    return not isinstance(value, int) or abs(value) <= BigIntegerField.MAX_BIGINT


@ForeignKey.register_lookup
class ForeignKeyExact(RelatedExact):
    """No row, without a statement, if the number is too large."""

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        """The right side of the comparison.

        Raises:
            EmptyResultSet: the number is too large.
        """
        if not _has_range_of_bigint(self.rhs):
            raise EmptyResultSet
        return super().process_rhs(compiler, connection)


def _leave_out_large(lookup: In) -> None:
    """Leave out the numbers of a list that are too large; without any left Django executes no statement."""
    if lookup.rhs_is_direct_value():
        lookup.rhs = [value for value in lookup.rhs if _has_range_of_bigint(value)]


@IntegerField.register_lookup
class IntegerIn(In):
    """No row for numbers that are too large."""

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        """The right side of the comparison."""
        _leave_out_large(self)
        return super().process_rhs(compiler, connection)


@ForeignKey.register_lookup
class ForeignKeyIn(RelatedIn):
    """The same for a foreign key."""

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        """The right side of the comparison."""
        _leave_out_large(self)
        return super().process_rhs(compiler, connection)
