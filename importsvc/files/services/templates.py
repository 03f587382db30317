"""Empty files for saved mappings."""

from __future__ import annotations

from typing import NamedTuple

from importsvc.files.mapping.templates import Format, write_template
from importsvc.files.services.import_models import check_mapping, find_import_model, get_document
from organizations.models import Organization

# The media types of templates, by format.
TEMPLATE_TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_NOT_IN_FILE_NAMES = '/\\:*?"<>|'


class Template(NamedTuple):
    """A template as a file."""

    name: str
    content: bytes


def make_template(*, organization: Organization, model_id: int, format: Format) -> Template:  # noqa: A002
    """An empty file with the headers of a saved mapping, named as the model is; see ``write_template``.

    Raises:
        RecordNotFound: the organization has no such model.
        MappingRefused: the model names a target that is gone.
    """
    model = find_import_model(organization=organization, model_id=model_id)
    content = write_template(check_mapping(get_document(model)), format)
    name = "".join(
        character if character.isprintable() and character not in _NOT_IN_FILE_NAMES else "_"
        for character in model.name
    )
    return Template(f"{name}.{format}", content)
