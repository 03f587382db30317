"""The SQL of a foreign key that is checked once for each statement: its triggers and their functions.

What the key promises, and why it is not a plain one, is said in ``importsvc.postgres.statement_keys``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

quote = connection.ops.quote_name


@dataclass(frozen=True)
class KeyTriggers:
    """The triggers that hold a key.

    Attributes:
        name: of the key; at most 55 letters, digits and underscores.
        table: that has the key.
        columns: pairs of a column of that table and the column that it refers to.
        referred: the table referred to.
    """

    name: str
    table: str
    columns: tuple[tuple[str, str], ...]
    referred: str

    def create(self) -> str:
        """Statements that make the triggers, and fail if what they promise does not hold now."""
        return f"{self._guard_referrers()}{self._guard_referred()}{self._check_rows()}"

    def remove(self) -> str:
        """Statements that remove them."""
        table, referred = quote(self.table), quote(self.referred)
        return f"""
DROP TRIGGER {self.name}_emptied ON {referred};
DROP TRIGGER {self.name}_moved ON {referred};
DROP TRIGGER {self.name}_removed ON {referred};
DROP TRIGGER {self.name}_changed ON {table};
DROP TRIGGER {self.name}_added ON {table};
DROP FUNCTION {self.name}_keep();
DROP FUNCTION {self.name}_find();
"""

    def _guard_referrers(self) -> str:
        """Rows that are added or changed refer to one that is there, and lock it as a foreign key would."""
        added = self._list("added.{own}")
        return f"""
CREATE FUNCTION {self.name}_find() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    missing text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT concat_ws(', ', {self._list("named.{own}")}) INTO missing
        FROM (
            SELECT DISTINCT {added} FROM added WHERE {self._all("added.{own} IS NOT NULL")} ORDER BY {added}
        ) AS named
        LEFT JOIN LATERAL (
            SELECT true AS is_there FROM {quote(self.referred)} AS referred
            WHERE {self._match("referred.{there}", "named.{own}")} FOR KEY SHARE
        ) AS referred ON true
        WHERE is_there IS NULL LIMIT 1;
    ELSIF {self._all("NEW.{own} IS NOT NULL")} THEN
        PERFORM FROM {quote(self.referred)} AS referred
        WHERE {self._match("referred.{there}", "NEW.{own}")} FOR KEY SHARE;
        IF NOT FOUND THEN
            missing := concat_ws(', ', {self._list("NEW.{own}")});
        END IF;
    END IF;
    IF missing IS NOT NULL THEN
        {self._raise(f"{self.table} refers to what is not in {self.referred}", "missing")}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {self.name}_added AFTER INSERT ON {quote(self.table)}
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {self.name}_find();
CREATE TRIGGER {self.name}_changed AFTER UPDATE ON {quote(self.table)}
    FOR EACH ROW WHEN ({self._any("OLD.{own} IS DISTINCT FROM NEW.{own}")}) EXECUTE FUNCTION {self.name}_find();
"""

    def _guard_referred(self) -> str:
        """What is referred to is not removed, and keeps its key."""
        table, referred = quote(self.table), quote(self.referred)
        return f"""
CREATE FUNCTION {self.name}_keep() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    kept text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE feature_not_supported USING
            MESSAGE = 'What is in {self.referred} is only removed at the isolation level READ COMMITTED',
            DETAIL = 'At others it cannot be seen whether anything in {self.table} refers to it.';
    ELSIF TG_OP = 'DELETE' THEN
        SELECT concat_ws(', ', {self._list("removed.{there}")}) INTO kept FROM removed CROSS JOIN LATERAL
            (SELECT FROM {table} AS referrer WHERE {self._match("referrer.{own}", "removed.{there}")} OFFSET 0) AS other
        LIMIT 1;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT concat_ws(', ', {self._list("OLD.{there}")}) INTO kept
        WHERE EXISTS (SELECT FROM {table} AS referrer WHERE {self._match("referrer.{own}", "OLD.{there}")});
    ELSE
        SELECT concat_ws(', ', {self._list("referrer.{own}")}) INTO kept
        FROM {table} AS referrer WHERE {self._all("referrer.{own} IS NOT NULL")} LIMIT 1;
    END IF;
    IF kept IS NOT NULL THEN
        {self._raise(f"{self.table} still refers to what is in {self.referred}", "kept")}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {self.name}_removed AFTER DELETE ON {referred}
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION {self.name}_keep();
CREATE TRIGGER {self.name}_moved AFTER UPDATE ON {referred}
    FOR EACH ROW WHEN ({self._any("OLD.{there} IS DISTINCT FROM NEW.{there}")}) EXECUTE FUNCTION {self.name}_keep();
CREATE TRIGGER {self.name}_emptied AFTER TRUNCATE ON {referred}
    FOR EACH STATEMENT EXECUTE FUNCTION {self.name}_keep();
"""

    def _check_rows(self) -> str:
        """A statement that looks at all rows of the table, unless a foreign key holds for them already."""
        return f"""
DO $$
DECLARE
    missing text;
BEGIN
    IF EXISTS (
        SELECT FROM pg_constraint WHERE contype = 'f' AND convalidated
        AND conrelid = '{quote(self.table)}'::regclass
        AND conkey = {_numbers(self.table, [own for own, _ in self.columns])}
        AND confrelid = '{quote(self.referred)}'::regclass
        AND confkey = {_numbers(self.referred, [there for _, there in self.columns])}
    ) THEN
        RETURN;
    END IF;
    SELECT concat_ws(', ', {self._list("referrer.{own}")}) INTO missing FROM {quote(self.table)} AS referrer
    WHERE {self._all("referrer.{own} IS NOT NULL")} AND NOT EXISTS (
        SELECT FROM {quote(self.referred)} AS referred WHERE {self._all("referred.{there} = referrer.{own}")}
    ) LIMIT 1;
    IF missing IS NOT NULL THEN
        {self._raise(f"{self.table} refers to what is not in {self.referred}", "missing")}
    END IF;
END $$;
"""

    def _raise(self, message: str, values: str) -> str:
        key = ", ".join(own for own, _ in self.columns)
        return (
            f"RAISE foreign_key_violation USING MESSAGE = '{message}', TABLE = '{self.table}',"
            f" CONSTRAINT = '{self.name}', DETAIL = format('Key ({key}): %s', {values});"
        )

    def _match(self, column: str, value: str) -> str:
        """A condition that one index only is of use for, that which starts with the last column.

        Left to itself PostgreSQL may take one that leads through all of an organization, by what it counted while the
        table was all but empty.
        """
        *others, last = zip(self._apply(column), self._apply(value), strict=True)
        return " AND ".join([*(f"{a} IS NOT DISTINCT FROM {b}" for a, b in others), "{} = {}".format(*last)])

    def _list(self, pattern: str) -> str:
        return ", ".join(self._apply(pattern))

    def _all(self, pattern: str) -> str:
        return " AND ".join(self._apply(pattern))

    def _any(self, pattern: str) -> str:
        return " OR ".join(self._apply(pattern))

    def _apply(self, pattern: str) -> list[str]:
        return [pattern.format(own=quote(own), there=quote(there)) for own, there in self.columns]


def _numbers(table: str, columns: Sequence[str]) -> str:
    """The numbers that PostgreSQL's catalog has for columns, as an array."""
    names = ", ".join(f"'{column}'" for column in columns)
    return (
        f"ARRAY(SELECT attnum FROM unnest(ARRAY[{names}]) WITH ORDINALITY AS key (name, position)"
        f" JOIN pg_attribute ON attrelid = '{quote(table)}'::regclass AND attname = name ORDER BY position)"
    )
