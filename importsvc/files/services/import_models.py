"""Saved mappings: created, changed, deleted, and read for files."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from importsvc.errors import InvalidAttribute, RecordNotFound
from importsvc.files.errors import MappingRefused
from importsvc.files.mapping.document import Mapping, write_mapping
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.proposals import SavedMapping
from importsvc.files.mapping.ready_made import find_ready_made, get_ready_mades
from importsvc.files.mapping.refusals import MappingInvalid
from importsvc.files.models import ImportFile, ImportModel
from importsvc.text.display import printable
from organizations.models import Organization
from people.models import Person

# The members of a mapping document, which are attributes of a model.
MEMBERS = ("columns", "ignored", "formats", "match_by", "on_duplicate", "missing_companies")
# Of an organization's models so many are compared with a new file, newest first.
COMPARED_MODELS = 200
# A refusal lists so many names of models.
LISTED_NAMES = 20

_NAME_TAKEN = "import_model_name_once"


def create_import_model(
    *,
    organization: Organization,
    name: str,
    creator: Person | None = None,
    copy_of: str | None = None,
    **members: Any,
) -> ImportModel:
    """Save a mapping.

    Args:
        organization: that gets the model.
        name: unique in the organization, regardless of case.
        creator: saves it; ``None`` in the admin.
        copy_of: the ready-made mapping that gives the members which are not given; see
            ``get_ready_mades``.
        members: some of ``MEMBERS``; the others have their default.

    Raises:
        MappingRefused, InvalidAttribute: nothing is saved.
    """
    document = check_mapping({**_read_ready_made(copy_of), **members})
    with _refusing_taken_name():
        return ImportModel.objects.create(
            organization=organization, creator=creator, name=_clean_name(name), **write_mapping(document)
        )


def update_import_model(*, organization: Organization, model_id: int, **values: Any) -> None:
    """Change the name and the members that are given.

    Raises:
        RecordNotFound, MappingRefused, InvalidAttribute: nothing is changed.
    """
    with transaction.atomic():
        models = _select(organization, model_id)
        model = models.select_for_update(no_key=True).first()
        if model is None:
            raise RecordNotFound
        members = {name: getattr(model, name) for name in MEMBERS}
        given = {name: values[name] for name in values.keys() & set(MEMBERS)}
        written = write_mapping(check_mapping({**members, **given}))
        if "name" in values:
            written["name"] = _clean_name(values["name"])
        with _refusing_taken_name():
            models.update(**written, updated_at=timezone.now())


def delete_import_model(*, organization: Organization, model_id: int) -> None:
    """Delete a model. Imports keep its number, and files are no longer proposed it.

    Raises:
        RecordNotFound: there is no such model.
    """
    with transaction.atomic():
        models = _select(organization, model_id)
        if not models.select_for_update().exists():
            raise RecordNotFound
        files = ImportFile.objects.for_organization(organization).filter(proposed_import_model_id=model_id)
        files.update(proposed_import_model=None)
        models.delete()


def find_import_model(*, organization: Organization, model_id: int) -> ImportModel:
    """The model.

    Raises:
        RecordNotFound: the organization has no such model.
    """
    model = _select(organization, model_id).first()
    if model is None:
        raise RecordNotFound
    return model


def find_named_mapping(*, organization: Organization, name: str) -> tuple[dict[str, Any], int | None]:
    """The document of a saved mapping and its id; or of a ready-made one, and no id.

    Args:
        organization: of the saved mapping.
        name: of the saved mapping, regardless of case, or the key of the ready-made one.

    Raises:
        InvalidAttribute: there is neither.
    """
    models = ImportModel.objects.for_organization(organization)
    shown = printable(" ".join(name.split()), 255)
    model = models.alias(folded=Lower("name")).filter(folded=Lower(Value(shown))).first()
    if model is not None:
        return get_document(model), model.pk
    ready_made = find_ready_made(name)
    if ready_made is None:
        saved = models.order_by("name", "id").values_list("name", flat=True)[:LISTED_NAMES]
        known = [*saved, *(each.key for each in get_ready_mades())]
        message = f"There is no import model '{shown}'; known are {', '.join(known)}"
        raise InvalidAttribute(message, attribute="model")
    return write_mapping(ready_made.mapping), None


def get_document(model: ImportModel) -> dict[str, Any]:
    """The mapping document of a model."""
    return {name: getattr(model, name) for name in MEMBERS}


def list_ready_made() -> list[tuple[str, dict[str, Any]]]:
    """The ready-made mappings: the key of each, and its name with the members of the document."""
    return [
        (ready_made.key, {"name": ready_made.name, **write_mapping(ready_made.mapping)})
        for ready_made in get_ready_mades()
    ]


def read_saved(organization: Organization) -> list[SavedMapping]:
    """The saved mappings that are compared with a new file. Those that name a type which is gone are left out."""
    saved = []
    for model in ImportModel.objects.for_organization(organization).order_by("-id")[:COMPARED_MODELS]:
        try:
            saved.append(SavedMapping(model.pk, model.name, read_mapping(get_document(model))))
        except MappingInvalid:
            continue
    return saved


def check_mapping(document: MappingOf[str, Any], *, attribute: str = "") -> Mapping:
    """The mapping of a document.

    Raises:
        MappingRefused: with every problem; ``attribute`` is as there.
    """
    try:
        return read_mapping(document)
    except MappingInvalid as error:
        raise MappingRefused(error.problems, attribute=attribute) from None


def _read_ready_made(key: str | None) -> dict[str, Any]:
    if key is None:
        return {}
    ready_made = find_ready_made(key)
    if ready_made is None:
        known = ", ".join(each.key for each in get_ready_mades())
        raise InvalidAttribute(f"must be one of {known}", attribute="copy_of")
    return write_mapping(ready_made.mapping)


def _select(organization: Organization, model_id: int) -> QuerySet[ImportModel]:
    return ImportModel.objects.for_organization(organization).filter(pk=model_id)


def _clean_name(name: str) -> str:
    clean = " ".join(name.split())
    problem = ""
    if not clean:
        problem = "can't be blank"
    elif len(clean) > 255:
        problem = "is too long (maximum is 255 characters)"
    if problem:
        raise InvalidAttribute(problem, attribute="name")
    return clean


@contextmanager
def _refusing_taken_name() -> Iterator[None]:
    """A savepoint in which the violation of the unique name is an ``InvalidAttribute``."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if _NAME_TAKEN not in str(error):
            raise
        raise InvalidAttribute("has already been taken", attribute="name") from None
