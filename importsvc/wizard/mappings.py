"""The mapping that the form of columns begins with: the proposed one, a saved one, or one that comes ready-made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from importsvc.files import services
from importsvc.files.models import ImportFile, ImportModel
from importsvc.wizard.access import Access

PROPOSED = "proposed"
_READY_MADE = "ready-"
_SAVED = "saved-"
# Saved mappings that can be chosen, the latest ones.
_OFFERED = 100


@dataclass(frozen=True)
class BaseMapping:
    """A mapping that a form begins with.

    Attributes:
        key: names it in a form.
        document: the mapping document.
    """

    key: str
    document: Mapping[str, Any]


def find_base(access: Access, file: ImportFile, key: str | None) -> BaseMapping:
    """The mapping of a key; without one that of the access, or the proposed one.

    Raises:
        Http404: there is no such mapping.
        RecordNotFound: there is no such saved mapping.
    """
    if access.mapping is not None:
        key = f"{_SAVED}{access.mapping}"
    if not key or key == PROPOSED:
        return BaseMapping(PROPOSED, file.proposed_mapping or {})
    if key.startswith(_READY_MADE):
        ready_made = dict(services.list_ready_made()).get(key.removeprefix(_READY_MADE))
        if ready_made is None:
            raise Http404
        return BaseMapping(key, ready_made)
    number = key.removeprefix(_SAVED)
    if not number.isascii() or not number.isdigit():
        raise Http404
    model = services.find_import_model(organization=access.organization, model_id=int(number))
    return BaseMapping(key, services.get_document(model))


def list_bases(access: Access, file: ImportFile) -> list[tuple[str, str]]:
    """The mappings that can be chosen, by key; none if the access names one."""
    if access.mapping is not None:
        return []
    models = ImportModel.objects.for_organization(access.organization).order_by("-id")
    saved = list(models.values_list("pk", "name")[:_OFFERED])
    named = dict(saved).get(file.proposed_import_model_id or 0)
    proposed = "Proposed for this file" if named is None else f"Proposed for this file: {named}"
    return [
        (PROPOSED, proposed),
        *((f"{_SAVED}{number}", name) for number, name in saved),
        *((f"{_READY_MADE}{key}", f"{members['name']} (ready-made)") for key, members in services.list_ready_made()),
    ]
