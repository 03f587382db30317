"""An import as the contract (section 2.5) describes it, slowly: row by row, cell by cell, with a query for each.

The engine, which works on whole columns and sets, must have the same result. Only the list of currencies is shared
with it. PostgreSQL's ``lower()``, queried for one value at a time, decides which values are equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from companies.models import Company
from organizations.models import Organization
from people.models import Person
from tests.interleaving import ask
from tests.reference_cells import RULES, Object, WrongError, is_surrogate

REPORTED = 1_000


@dataclass(frozen=True)
class Refused:
    """The detail of the 422, and its ``meta``."""

    detail: str | Mapping[str, Any]
    meta: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RowOfCompany:
    """Stands for the id of the company that this row becomes."""

    row: int


@dataclass(frozen=True)
class Record:
    """What a row becomes: every column of the table but ``id`` and ``created_at``, and the change log's ``after``."""

    columns: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Accepted:
    """The records by type, in row order."""

    records: Mapping[str, list[Record]]


def expect_import(organization: Organization, text: str) -> Accepted | Refused:
    """The result of importing JSON text into the organization in its current state."""
    try:
        payload = _read(text)
    except WrongError as wrong:
        return Refused(str(wrong))
    return _Import(organization, payload).judge()


def _read(text: str) -> Object:
    if not text.strip():
        raise WrongError("can't be blank")
    try:
        payload = json.loads(text, object_pairs_hook=Object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise WrongError(f"is not valid JSON: {where}: {error.msg}") from None
    except RecursionError:
        raise WrongError("is not valid JSON: it is nested too deep") from None
    except ValueError:
        raise WrongError("is not valid JSON: it has a number of too many digits") from None
    if not isinstance(payload, Object):
        raise WrongError("must be an object with an array of rows for each type (company, person)")
    if payload.repeated:
        raise WrongError(f"names '{_shown(payload.repeated[0])}' twice")
    for name, rows in payload.items():
        if name not in ("company", "person"):
            raise WrongError(f"has an unknown type '{_shown(name)}'; known are company, person")
        if not isinstance(rows, list):
            raise WrongError(f"'{name}' must be an array of rows")
    if all(rows == [] for rows in payload.values()):
        raise WrongError("has no rows")
    return payload


def _refuse_constant(name: str) -> None:
    raise WrongError(f"is not valid JSON: {name} is not a JSON value")


def _shown(name: str) -> str:
    if len(name) > 100:
        name = name[:100] + "…"
    return "".join("?" if is_surrogate(letter) else "\ufffd" if letter == "\0" else letter for letter in name)


REQUIRED = {"company": "name", "person": "first_name"}
UNIQUE = {"company": "name", "person": "email"}
# Values of new records that no row gives; the currency is the organization's.
USUAL: Mapping[str, Mapping[str, Any]] = {
    "company": {
        "archived_at": None,
        "avatar_url": None,
        "invoice_email_recipients": {},
        "custom_fields": None,
        "description": None,
        "due_days": None,
        "tag_list": [],
        "external_id": None,
    },
    "person": {
        "company_id": None,
        "last_name": None,
        "email": None,
        "title": None,
        "joined_at": None,
        "last_seen_at": None,
        "deactivated_at": None,
        "archived_at": None,
        "role_id": None,
        "invited_at": None,
        "is_user": False,
        "tag_list": [],
        "avatar_url": None,
        "virtual": False,
        "custom_fields": None,
        "autotracking": False,
        "placeholder": False,
        "color_id": None,
        "private_custom_reports_used": 0,
        "external_id": None,
    },
}


class _Import:
    """The state of one import."""

    def __init__(self, organization: Organization, payload: Object) -> None:
        self.organization = organization
        self.payload = payload
        names = Company.objects.filter(organization=organization).values_list("pk", "name")
        self.companies = [(pk, _lower(name)) for pk, name in names]
        emails = Person.objects.filter(organization=organization).values_list("email", flat=True)
        self.taken = {
            ("company", "name"): {name for _, name in self.companies},
            ("person", "email"): {_lower(email) for email in emails if email is not None},
        }
        for name, model in (("company", Company), ("person", Person)):
            ids = model.objects.filter(organization=organization).values_list("external_id", flat=True)
            self.taken[name, "external_id"] = {value for value in ids if value is not None}
        self.names_of_rows: dict[str, int] = {}
        self.takers: dict[tuple[str, str], dict[str, int]] = {}
        self.unknown: dict[tuple[str, str], int] = {}
        self.problems: dict[str, dict[tuple[int, str | None], list[str]]] = {name: {} for name in payload}
        self.records: dict[str, list[Record]] = {}

    def judge(self) -> Accepted | Refused:
        for type_name in ("company", "person"):
            if type_name in self.payload:
                self.records[type_name] = []
                for number, row in enumerate(self.payload[type_name], start=1):
                    self._judge_row(type_name, number, row)
        count = sum(map(len, self.problems.values()))
        if count == 0:
            return Accepted(self.records)
        detail: dict[str, list[Any]] = {name: [] for name in self.payload}
        left = REPORTED
        for name, problems in self.problems.items():
            for (number, column), messages in problems.items():
                if left > 0:
                    detail[name].append({"row": number, "column": column, "messages": messages})
                    left -= 1
        return Refused(detail, {"error_count": count} if count > REPORTED else None)

    def _judge_row(self, type_name: str, number: int, row: Any) -> None:
        if not isinstance(row, Object):
            self._complain(type_name, number, None, "Row must be an object")
            return
        columns = {_squeeze(column): column for column in RULES[type_name]}
        for header in row:
            if _squeeze(header) not in columns:
                shown = _shown("_".join(header.replace("-", " ").replace("_", " ").split()).lower())
                words = _label(shown) if shown else "A blank header"
                if self.unknown.setdefault((type_name, shown), number) == number:
                    self._complain(type_name, number, shown, f"{words} is not a column of {type_name}")
        given: dict[str, Any] = {}
        for column in RULES[type_name]:
            try:
                value = self._judge_cell(type_name, number, row, column)
            except WrongError as wrong:
                self._complain(type_name, number, column, f"{_label(column)} {wrong}")
            else:
                if value is not None:
                    given["company_id" if (type_name, column) == ("person", "company") else column] = value
        if type_name == "company":
            given.setdefault("default_currency", self.organization.default_currency)
        usual = {**USUAL[type_name], "organization_id": self.organization.pk}
        self.records[type_name].append(Record({**usual, **given}, given))

    def _judge_cell(self, type_name: str, number: int, row: Object, column: str) -> Any:
        headers = [header for header in row.names if _squeeze(header) == _squeeze(column)]
        if len(headers) > 1:
            raise WrongError("is given more than once")
        value = RULES[type_name][column](row[headers[0]] if headers else None)
        if value is None:
            if column == REQUIRED[type_name]:
                raise WrongError("can't be blank")
        elif column == UNIQUE[type_name]:
            self._take(type_name, column, number, _lower(value))
        elif column == "external_id":
            self._take(type_name, column, number, value)
        elif (type_name, column) == ("person", "company"):
            return self._find_company(_lower(value))
        return value

    def _take(self, type_name: str, column: str, number: int, folded: str) -> None:
        """Take a unique value, which later rows may not have."""
        if (type_name, column) == ("company", "name"):
            self.names_of_rows.setdefault(folded, number)
        first = self.takers.setdefault((type_name, column), {}).setdefault(folded, number)
        if first != number:
            raise WrongError(f"has already been taken by row {first}")
        if folded in self.taken[type_name, column]:
            raise WrongError("has already been taken")

    def _find_company(self, folded: str) -> int | RowOfCompany:
        ids = [pk for pk, name in self.companies if name == folded]
        if len(ids) > 1:
            raise WrongError("is ambiguous")
        if ids:
            return ids[0]
        if folded in self.names_of_rows:
            return RowOfCompany(self.names_of_rows[folded])
        raise WrongError("must exist")

    def _complain(self, type_name: str, number: int, column: str | None, message: str) -> None:
        self.problems[type_name].setdefault((number, column), []).append(message)


def _lower(value: str) -> str:
    """``lower()`` of PostgreSQL."""
    folded: str = ask("SELECT lower(%s)", value)
    return folded


def _squeeze(header: str) -> str:
    return "".join(letter for letter in header.casefold() if not letter.isspace() and letter not in "_-")


def _label(column: str) -> str:
    return column.replace("_", " ").capitalize()
