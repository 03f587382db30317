"""Files staged with their errors, and the error files of their imports."""

from __future__ import annotations

import io
from typing import Any

from importsvc.imports.models import Import
from importsvc.imports.services import create_import_from_file, write_error_file
from tests.client import ApiClient
from tests.files.uploads import upload

MAPPING: dict[str, Any] = {
    "columns": [
        {"headers": ["Vorname"], "targets": ["person.first_name"]},
        {"headers": ["E-Mail"], "targets": ["person.email"]},
        {"headers": ["Firma"], "targets": ["company.name"]},
        {"headers": ["Währung"], "targets": ["company.default_currency"]},
        {"headers": ["Größe"], "targets": ["person.custom_fields.size"], "kind": "number"},
    ],
    "ignored": ["Notiz"],
    "formats": {"decimal_sign": ","},
}


def stage_file(api: ApiClient, content: bytes, mapping: Any = MAPPING, **more: Any) -> Import:
    file = upload(api, content)
    return create_import_from_file(
        organization=api.caller.organization, creator=api.caller.person, import_file_id=file.pk, mapping=mapping, **more
    )


def write(import_: Import, format_: Any = "csv") -> bytes:
    target = io.BytesIO()
    write_error_file(organization=import_.organization, import_id=import_.pk, format=format_, target=target)
    return target.getvalue()
