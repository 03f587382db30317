"""Decides what a file lists, people or companies, and which targets its headers mean then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from importsvc.files.mapping.synonyms import Meaning, find_meaning

PERSON_TARGETS: Mapping[str, str] = {
    "first_name": "person.first_name",
    "last_name": "person.last_name",
    "email": "person.email",
    "title": "person.title",
    "company": "person.company",
    "company_name": "person.company",
    "tags": "person.tag_list",
    "id": "person.external_id",
    "person_id": "person.external_id",
    "company_id": "company.external_id",
    "company_currency": "company.default_currency",
    "company_description": "company.description",
    "company_days": "company.due_days",
    "company_tags": "company.tag_list",
}
COMPANY_TARGETS: Mapping[str, str] = {
    "company": "company.name",
    "company_name": "company.name",
    "listed_company": "company.name",
    "name_or_last": "company.name",
    "id": "company.external_id",
    "company_id": "company.external_id",
    "customer_id": "company.external_id",
    **{name: f"company.{column}" for name, column in [
        ("currency", "default_currency"), ("description", "description"), ("days", "due_days"), ("tags", "tag_list")
    ]},
    **{f"company_{name}": f"company.{column}" for name, column in [
        ("currency", "default_currency"), ("description", "description"), ("days", "due_days"), ("tags", "tag_list")
    ]},
}  # fmt: skip
_NAMES = ("first_name", "last_name", "full_name")
# Columns of a list of addresses that has no names. Another list without names may have addresses of anything.
_MAILING_LIST = 3
# Words for a name say whose it is only if this share of the headers is understood, unless there are few.
_UNDERSTOOD = 1 / 3
_FEW = 4
_OF_COMPANIES = frozenset({"company_marker", "accounting_marker", "days", "company_days"})
# What a list of people seldom has, if only a word for a name of anything says that it is one.
_NOT_OF_PEOPLE = frozenset(
    {"other_table", "customer_id", "company_id", "currency", "company_currency", "description", "accounting_marker"}
)


def find_targets(headers: Sequence[str], meanings: Sequence[Meaning | None]) -> dict[int, tuple[str, ...]]:
    """By position the targets that a header means beside the others.

    A file lists people if it has a column of their names, or of their addresses and positions. It lists companies if it
    has one of their names, none of people, and enough columns that are understood. Of a file that lists neither, only
    the column of addresses of a short list means something.
    """
    concepts = _resolve_names([_get_concept(*pair) for pair in zip(headers, meanings, strict=True)])
    given = set(concepts)
    if given & {"other_table", "mixed"}:
        return {}
    if given.intersection(_NAMES):
        # Accounting keeps people and companies in one list, and does not tell which a row is.
        is_mixed = "accounting_marker" in given and "company_currency" not in given
        return {} if is_mixed else _find_of_people(concepts)
    if "email" in given and any(meaning and meaning[:2] == ("title", "synonym") for meaning in meanings):
        return _find_of_people(concepts)
    if _has_company_names(concepts) and _is_understood(concepts):
        return _find_of_companies(concepts)
    if "email" in given and len(headers) <= _MAILING_LIST:
        return {concepts.index("email"): ("person.email",)}
    return {}


def _has_company_names(concepts: Sequence[str]) -> bool:
    given = set(concepts)
    if given & {"company_name", "listed_company"}:
        return not given & {"name_or_last", "person_marker"}
    if "company" in given:
        return _lists_companies(concepts) and not given & {"name_or_last", "contact"}
    return "name_or_last" in given and "email" not in given and _lists_companies(concepts)


def _is_understood(concepts: Sequence[str]) -> bool:
    """Whether enough of the headers are known for the file to be one of people or companies."""
    return len(concepts) <= _FEW or sum(map(bool, concepts)) >= _UNDERSTOOD * len(concepts)


def _get_concept(header: str, meaning: Meaning | None) -> str:
    """The concept of a header; ``mixed`` for one such as "Company/Last name"."""
    if meaning is not None:
        return meaning.concept
    parts = [find_meaning(part) for part in header.split("/")] if "/" in header else []
    return "mixed" if any(part and part.concept in _NAMES for part in parts) else ""


def _resolve_names(concepts: Sequence[str]) -> list[str]:
    """The concepts, with words for a name as what they are beside the other headers.

    ``Nom`` is a last name beside ``Prénom``, and ``Nombre`` a first name beside ``Apellidos``. Alone, such a word is a
    full name in a list of people.
    """
    given = set(concepts)
    resolved = list(concepts)
    for position, concept in enumerate(concepts):
        if concept == "name_or_first":
            resolved[position] = "first_name" if "last_name" in given else "name_or_last"
        if concept == "name_or_last" and "first_name" in given and "last_name" not in given:
            resolved[position] = "last_name"
    given = set(resolved)
    if given.intersection(_NAMES):
        return resolved
    weak = {"name_or_last"} if "name_or_last" in given else {"contact"} & given
    if weak and _names_people(resolved):
        return ["full_name" if concept in weak else concept for concept in resolved]
    return resolved


def _names_people(concepts: Sequence[str]) -> bool:
    """Whether a column for names of anything, or for contact persons, has the names of the people that a file lists."""
    given = set(concepts)
    if {"name_or_last", "title", "email"} <= given:
        return True
    if given & _NOT_OF_PEOPLE or _lists_companies(concepts):
        return False
    if "name_or_last" not in given:
        return "email" in given and bool(given & {"company", "company_name"}) and _is_understood(concepts)
    return bool(given & {"email", "title"}) and _is_understood(concepts)


def _lists_companies(concepts: Sequence[str]) -> bool:
    return bool({"listed_company", *_OF_COMPANIES}.intersection(concepts))


def _find_of_people(concepts: Sequence[str]) -> dict[int, tuple[str, ...]]:
    has_parts = {"first_name", "last_name"} <= set(concepts) or "first_name" in concepts
    has_company = bool({"company", "company_name"} & set(concepts))
    found: dict[int, tuple[str, ...]] = {}
    for position, concept in enumerate(concepts):
        if concept == "full_name":
            if not has_parts:
                found[position] = ("person.first_name", "person.last_name")
        elif concept == "customer_id":
            # With companies, either may be the customer: the values tell.
            if not has_company:
                found[position] = ("person.external_id",)
        elif concept in PERSON_TARGETS and (has_company or not concept.startswith("company_")):
            found[position] = (PERSON_TARGETS[concept],)
    return found


def _find_of_companies(concepts: Sequence[str]) -> dict[int, tuple[str, ...]]:
    named = next(name for name in ("listed_company", "company_name", "company", "name_or_last") if name in concepts)
    return {
        position: (COMPANY_TARGETS[concept],)
        for position, concept in enumerate(concepts)
        if concept in COMPANY_TARGETS and (COMPANY_TARGETS[concept] != "company.name" or concept == named)
    }
