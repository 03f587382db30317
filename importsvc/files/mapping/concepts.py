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


def find_targets(headers: Sequence[str], meanings: Sequence[Meaning | None]) -> dict[int, tuple[str, ...]]:
    """By position the targets that a header means beside the others.

    A file lists people if it has a column of their names or positions. It lists companies if it has one of their names
    and none of people. Of a file that lists neither, only the column of addresses of a short list means something.
    """
    concepts = _resolve_names([_get_concept(*pair) for pair in zip(headers, meanings, strict=True)])
    given = set(concepts)
    if given & {"other_table", "mixed"}:
        return {}
    if given.intersection(_NAMES):
        # Accounting keeps people and companies in one list, and does not tell which a row is.
        is_mixed = "accounting_marker" in given and "company_currency" not in given
        return {} if is_mixed else _find_of_people(concepts)
    if any(meaning and meaning.concept == "title" and meaning.how != "exact" for meaning in meanings):
        return _find_of_people(concepts)
    if given & {"company_name", "listed_company"} or ("company" in given and _lists_companies(concepts)):
        return _find_of_companies(concepts)
    if "name_or_last" in given and "email" not in given and _lists_companies(concepts):
        return _find_of_companies(concepts)
    if "email" in given and len(headers) <= _MAILING_LIST:
        return {concepts.index("email"): ("person.email",)}
    return {}


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
    if "name_or_last" in given and _names_people(given) and not _lists_companies(resolved):
        return ["full_name" if concept == "name_or_last" else concept for concept in resolved]
    if (
        "contact" in given
        and given & {"company", "company_name"}
        and "email" in given
        and not _lists_companies(resolved)
    ):
        return ["full_name" if concept == "contact" else concept for concept in resolved]
    return resolved


def _names_people(given: set[str]) -> bool:
    return bool(given & {"email", "title", "company", "company_name"}) and not given & {"listed_company", "other_table"}


def _lists_companies(concepts: Sequence[str]) -> bool:
    return bool(set(concepts) & {"company_marker", "accounting_marker", "listed_company", "days", "company_days"})


def _find_of_people(concepts: Sequence[str]) -> dict[int, tuple[str, ...]]:
    has_parts = {"first_name", "last_name"} <= set(concepts) or "first_name" in concepts
    has_company = bool({"company", "company_name"} & set(concepts))
    found: dict[int, tuple[str, ...]] = {}
    for position, concept in enumerate(concepts):
        if concept == "full_name":
            if not has_parts:
                found[position] = ("person.first_name", "person.last_name")
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
