"""Proposes a mapping for the columns of a file. A wrong proposal is worse than none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from importsvc.engine.schema.importable import normalize_header
from importsvc.files.mapping.concepts import find_targets
from importsvc.files.mapping.document import ColumnMapping, Mapping, Separate, Split, Step
from importsvc.files.mapping.evidence import contradicts, find_owner
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.synonyms import find_meaning
from importsvc.files.mapping.targets import Kind, find_target, get_targets
from importsvc.files.reading.detection import DetectedColumn
from importsvc.files.reading.tables import ERROR_FILE_HEADERS

How = Literal["exact", "synonym", "saved", "similar"]

_OF_SAVED = 0.95
_BY_SAMPLES = 0.7


@dataclass(frozen=True)
class SavedMapping:
    """A mapping that was saved, and its name."""

    id: int
    name: str
    mapping: Mapping


@dataclass(frozen=True)
class Proposal:
    """What a column may fill.

    Attributes:
        targets: their names; two for a full name that is split.
        how: ``exact``, the header is the target's name; ``synonym``, it is a word for it; ``saved``, a saved mapping
            says so, or one that was used before; ``similar``, it is written almost as such a word, or the samples are
            what the target takes.
        score: from 0 to 1.
        mapped: the column of the proposed mapping.
    """

    targets: tuple[str, ...]
    how: How
    score: float
    mapped: ColumnMapping


@dataclass(frozen=True)
class Proposals:
    """The proposals for a table.

    Attributes:
        columns: for each column its proposal, or ``None``: the caller decides.
        mapping: all of them as a mapping. Columns without a proposal are neither mapped nor ignored in it, unless a
            saved mapping ignores them.
        saved: the saved mapping that fits: all its headers are there. Of several, the one with most headers.
    """

    columns: tuple[Proposal | None, ...]
    mapping: Mapping
    saved: SavedMapping | None


def propose(
    columns: Sequence[DetectedColumn],
    saved: Sequence[SavedMapping] = (),
    used: Mapping | None = None,
    *,
    sheet: str | None = None,
) -> Proposals:
    """Propose targets for the columns of a table, which is the one of this sheet.

    A target is proposed for one column at most, for the one whose header says it best. A saved mapping that fits is
    proposed as it is; of others single columns are, before what headers mean. ``used`` is the mapping that was used for
    the same columns before; it comes before saved ones.
    """
    headers = [column.header for column in columns]
    index = HeaderIndex(headers)
    used_here = used.in_sheet(sheet) if used is not None else []
    if used is not None and fits(index, used_here):
        return _propose_whole(columns, index, used, used_here)
    fitting = _find_fitting(index, saved)
    if fitting is not None:
        return _propose_whole(columns, index, fitting.mapping, fitting.mapping.columns, fitting)
    candidates = _find_candidates(columns, index, saved)
    chosen: dict[int, Proposal] = {}
    taken: set[str] = set()
    for position in sorted(candidates, key=lambda position: (_order(candidates[position]), position)):
        proposal, _ = candidates[position]
        if not taken.intersection(proposal.targets) and not contradicts(columns[position], proposal.targets):
            chosen[position] = proposal
            taken.update(proposal.targets)
    by_samples = _find_by_samples(columns, chosen, taken)
    if by_samples is not None:
        chosen[by_samples] = _make(columns[by_samples], ("person.email",), "similar", _BY_SAMPLES)
    _add_customer_number(columns, chosen, taken)
    proposals = tuple(chosen.get(position) for position in range(len(columns)))
    mapped = tuple(proposal.mapped for proposal in proposals if proposal is not None)
    return Proposals(proposals, Mapping(columns=mapped), None)


def _find_fitting(index: HeaderIndex, saved: Sequence[SavedMapping]) -> SavedMapping | None:
    fitting = [
        (len({*_list_headers(each.mapping.columns), *each.mapping.ignored}), each.id, each)
        for each in saved
        if fits(index, each.mapping.columns)
    ]
    return max(fitting, key=itemgetter(0, 1))[2] if fitting else None


def _list_headers(columns: Sequence[ColumnMapping]) -> list[str]:
    return [header for column in columns for header in column.headers]


def fits(index: HeaderIndex, columns: Sequence[ColumnMapping]) -> bool:
    """Whether a table has all headers that these columns of a mapping name, and there is one."""
    headers = _list_headers(columns)
    return bool(headers) and all(index.find(header) is not None for header in headers)


def _propose_whole(
    columns: Sequence[DetectedColumn],
    index: HeaderIndex,
    mapping: Mapping,
    mapped_here: Sequence[ColumnMapping],
    saved: SavedMapping | None = None,
) -> Proposals:
    """The mapping as a whole; ``mapped_here`` are its columns that are meant in this table."""
    chosen: dict[int, Proposal] = {}
    for mapped in mapped_here:
        for header in mapped.headers:
            position = index.find(header)
            if position is not None:
                chosen.setdefault(position, Proposal(mapped.targets, "saved", 1.0, mapped))
    return Proposals(tuple(chosen.get(position) for position in range(len(columns))), mapping, saved)


def _find_candidates(
    columns: Sequence[DetectedColumn], index: HeaderIndex, saved: Sequence[SavedMapping]
) -> dict[int, tuple[Proposal, int]]:
    """By position a proposal, and the rank of the word by which it was found."""
    headers = index.headers
    candidates: dict[int, tuple[Proposal, int]] = {}
    meanings = [find_meaning(header) for header in headers]
    for position, targets in find_targets(headers, meanings).items():
        meaning = meanings[position]
        if meaning is not None and all(map(find_target, targets)):
            candidates[position] = (_make(columns[position], targets, meaning.how, meaning.score), meaning.rank)
    for position, header in enumerate(headers):
        named = _find_by_name(header)
        if named is not None:
            candidates[position] = (_make(columns[position], (named,), "exact", 1.0), 0)
    for position, mapped in _find_single_columns(index, saved).items():
        candidates[position] = (Proposal(mapped.targets, "saved", _OF_SAVED, mapped), 0)
    for position, column in enumerate(columns):
        if column.header in ERROR_FILE_HEADERS:
            candidates.pop(position, None)
    return candidates


def _find_by_name(header: str) -> str | None:
    """The target that a header names with its type: ``person.first_name``, ``Deal name``."""
    normalized = normalize_header(header).replace(".", "").replace(":", "")
    if normalized == normalize_header("company name") and "." not in header:
        return None  # in a list of people it is the company of a person
    for target in get_targets():
        if normalized == normalize_header(target.type_name + target.column):
            return target.name
    return None


def _find_single_columns(index: HeaderIndex, saved: Sequence[SavedMapping]) -> dict[int, ColumnMapping]:
    found: dict[int, ColumnMapping] = {}
    for candidate in saved:
        for mapped in candidate.mapping.columns:
            position = index.find(mapped.headers[0]) if len(mapped.headers) == 1 else None
            if position is not None and mapped.sheet is None:
                found.setdefault(position, mapped)
    return found


def _find_by_samples(columns: Sequence[DetectedColumn], chosen: dict[int, Proposal], taken: set[str]) -> int | None:
    """The only column of addresses without a proposal, in a list of people without their addresses."""
    if "person.first_name" not in taken or "person.email" in taken:
        return None
    found = [position for position, column in enumerate(columns) if column.kind == "email" and position not in chosen]
    return found[0] if len(found) == 1 else None


def _add_customer_number(columns: Sequence[DetectedColumn], chosen: dict[int, Proposal], taken: set[str]) -> None:
    """Propose a number of customers for people or for their companies, if the values tell whose it is."""
    places = {name: position for position, proposal in chosen.items() for name in proposal.targets}
    company = places.get("person.company")
    if company is None or "person.first_name" not in taken:
        return
    for position, column in enumerate(columns):
        meaning = None if position in chosen else find_meaning(column.header)
        if meaning is not None and meaning.concept == "customer_id":
            owner = find_owner(column, columns[company])
            if owner is not None and f"{owner}.external_id" not in taken:
                taken.add(f"{owner}.external_id")
                chosen[position] = _make(column, (f"{owner}.external_id",), "synonym", _BY_SAMPLES)


def _make(column: DetectedColumn, targets: tuple[str, ...], how: How, score: float) -> Proposal:
    return Proposal(targets, how, score, map_column(column, targets))


def map_column(column: DetectedColumn, targets: tuple[str, ...], *, kind: Kind | None = None) -> ColumnMapping:
    """A column that fills these targets, with the steps that its values need.

    Two targets are filled by a text that is split at its last white space. ``kind`` is that of a member of an object.
    """
    steps: tuple[Step, ...] = (Split("last_space"),) if len(targets) == 2 else ()
    target = find_target(targets[0])
    if target is not None and target.kind == "tags":
        steps = _separate(column.samples)
    return ColumnMapping((column.header,), targets, steps, kind=kind)


def _separate(samples: Sequence[str]) -> tuple[Step, ...]:
    """The step for texts with another separator between than a comma, which needs none."""
    text = "\n".join(samples)
    if ":::" in text:
        return (Separate(" ::: "),)  # Google Contacts
    return (Separate(";"),) if ";" in text and "," not in text else ()


def _order(candidate: tuple[Proposal, int]) -> tuple[int, float, int]:
    proposal, rank = candidate
    return (proposal.how != "saved", -proposal.score if proposal.how == "similar" else -1.0, rank)
