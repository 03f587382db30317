"""What headers mean: the words of many languages and exports, from ``synonyms.json``."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

Scope = Literal["person", "company"]

_DATA = Path(__file__).with_name("synonyms.json")
_IN_BRACKETS = re.compile(r"\s*[\[(（].{0,20}?[\])）]\s*")
# Words in front of a header that say which type the rest is about: "Company: Currency", "Person - Name".
_PREFIXES: dict[str, Scope] = {
    **dict.fromkeys(["person", "contact", "invitee", "candidate", "attendee", "kontakt"], "person"),
    **dict.fromkeys(["company", "account", "organization", "organisation", "firma", "unternehmen"], "company"),
    **dict.fromkeys(["entreprise", "société", "empresa", "azienda", "bedrijf", "firm"], "company"),
}
_PREFIX = re.compile(rf"({'|'.join(_PREFIXES)})(?:\s*[:\-–._/]\s*|\s+|(?-i:(?<=[a-z])(?=[A-Z])))(\S.*)", re.IGNORECASE)
# Headers of these concepts are words for a name, which say nothing of a company's attributes.
_OF_SCOPE: dict[Scope, dict[str, str]] = {
    "person": {
        **{name: name for name in ("first_name", "last_name", "full_name", "email", "title", "company", "tags")},
        "company_name": "company_name",
        **dict.fromkeys(["name_or_first", "name_or_last"], "full_name"),
        "id": "person_id",
        "contact_data": "contact_data",
    },
    "company": {
        **dict.fromkeys(["name_or_first", "name_or_last"], "company_name"),
        **{name: f"company_{name}" for name in ("currency", "description", "days", "tags", "id")},
        "contact_data": "contact_data",
    },
}
# Concepts that decide about other headers, and so are not taken from a word that is only like theirs.
_AMBIGUOUS = {
    *("name_or_first", "name_or_last", "other_table", "company_marker", "accounting_marker"),
    *("contact_data", "person_marker"),
}
# A number of something else may be written almost as one of these.
_NEVER_SIMILAR = {*_AMBIGUOUS, "id", "person_id", "company_id", "customer_id"}
# Shorter words differ too little from each other to be taken for one another.
_SHORTEST_SIMILAR = 6


class Meaning(NamedTuple):
    """What a header means.

    Attributes:
        concept: a name of ``synonyms.json``, or one of a company's attributes as ``company_currency``.
        how: ``exact`` for the name of a column itself, ``synonym`` for a word that means it, ``similar`` for a word
            that is written almost as one.
        score: from 0 to 1.
        rank: the position of the word among those of its concept; a lower one is more usual.
    """

    concept: str
    how: Literal["exact", "synonym", "similar"]
    score: float
    rank: int


def find_meaning(header: str) -> Meaning | None:
    """What a header means; ``None`` for one that no word is equal or almost equal to."""
    return _find_word(header) or _find_scoped(header) or _find_without_brackets(header) or _find_similar(header)


def simplify(text: str) -> str:
    """The letters and digits of a text, in lower case and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum())


@cache
def get_words() -> dict[str, tuple[str, int]]:
    """The concept and rank of each word, by the word's simplified form."""
    words: dict[str, tuple[str, int]] = {}
    for concept, synonyms in json.loads(_DATA.read_text("utf-8")).items():
        for rank, synonym in enumerate(synonyms):
            words.setdefault(simplify(synonym), (concept, rank))
    return words


def _find_word(header: str, *, score: float = 0.95) -> Meaning | None:
    simplified = simplify(header)
    found = get_words().get(simplified)
    if found is None:
        return None
    concept, rank = found
    if simplified == simplify(concept):
        return Meaning(concept, "exact", 1.0, rank)
    return Meaning(concept, "synonym", score, rank)


def _find_without_brackets(header: str) -> Meaning | None:
    """The meaning without a remark such as "(required)". A name with one may be that of anything."""
    found = _find_word(_IN_BRACKETS.sub(" ", header), score=0.9)
    return None if found is None or found.concept in _AMBIGUOUS else found


def _find_scoped(header: str) -> Meaning | None:
    """The meaning of what follows a word such as "Company"."""
    match = _PREFIX.fullmatch(header.strip())
    if match is None:
        return None
    rest = _find_word(match[2])
    concept = _OF_SCOPE[_PREFIXES[match[1].lower()]].get(rest.concept) if rest else None
    return Meaning(concept, "synonym", 0.9, rest.rank) if rest and concept else None


def _find_similar(header: str) -> Meaning | None:
    """The meaning of the only concept that has a word with one typing error less; with two for long words."""
    simplified = simplify(header)
    if len(simplified) < _SHORTEST_SIMILAR:
        return None
    allowed = 1 if len(simplified) < 12 else 2
    digits = [character for character in simplified if character.isdigit()]
    found = process.extract(simplified, list(get_words()), scorer=OSA.distance, score_cutoff=allowed, limit=5)
    near = [word for word, _, _ in found if [c for c in word if c.isdigit()] == digits and len(word) > 4]
    concepts = {get_words()[word][0] for word in near}
    if len(concepts) != 1 or concepts & _NEVER_SIMILAR:
        return None
    concept, rank = get_words()[near[0]]
    distance = OSA.distance(simplified, near[0])
    return Meaning(concept, "similar", round(0.9 * (1 - distance / len(simplified)), 2), rank)
