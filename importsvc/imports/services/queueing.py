"""Operations of imports: work that is queued for a worker, with the arguments of the service that does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from importsvc.files import services as files
from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.rows import require_rows
from importsvc.imports.services.corrected_files import correct_from_file, find_correctable, find_error_sheets
from importsvc.imports.services.corrections import check_import, replace_value
from importsvc.imports.services.creating import create_import, create_import_from_file, update_import
from importsvc.imports.services.file_rows import find_mapped_file
from importsvc.imports.services.importing import run_import
from importsvc.imports.services.reverting import find_import, revert_import
from importsvc.imports.services.stored_previews import make_preview
from importsvc.imports.services.transactions import limited_transaction
from importsvc.imports.staging import QueuedRows, discard_rows, queue_rows
from importsvc.operations.models import Kind, Operation
from importsvc.operations.performers import Performer, Report
from importsvc.operations.services import enqueue
from importsvc.spool import SpooledFile
from organizations.models import Organization
from people.models import Person


def queue_operation(
    *,
    organization: Organization,
    creator: Person,
    kind: Kind,
    import_id: int | None = None,
    import_data: object = None,
    if_match: Collection[str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    actor: Actor | None = None,
) -> Operation:
    """Queue the work of a service for a worker.

    Rows are stored as they came, and checked by the worker.

    Args:
        organization: of the import.
        creator: calls the service.
        kind: names the service.
        import_id: the import; ``None`` if it is to be created.
        import_data: what ``require_rows`` takes; ``None`` if the service works without rows.
        if_match: as for the service.
        arguments: the other arguments of the service, as JSON has them. A check with ``replace`` begins with
            ``replace_value``, whose other arguments that has.
        actor: as for ``run_import`` and ``revert_import``; ``None`` for the creator.

    Raises:
        RecordNotFound: there is no such import.
        InvalidAttribute, MappingRefused, FilePruned: the file or its mapping is not acceptable.
        ImportDataInvalid: ``import_data`` as a whole is not acceptable.
        Unavailable: another transaction has held a lock for too long.
    """
    if import_id is not None:
        find_import(import_id=import_id, organization=organization)
    given = dict(arguments or {})
    if "import_file_id" in given:
        # The worker reads the file. What needs no reading is refused at once.
        find_mapped_file(
            organization=organization,
            file_id=given["import_file_id"],
            mapping=given.get("mapping"),
            import_model_id=given.get("import_model_id"),
        )
    needs_rows = kind in (Kind.CREATE, Kind.UPDATE) and "import_file_id" not in given
    rows = require_rows(import_data) if needs_rows or import_data is not None else None
    stored: dict[str, Any] = {"arguments": given, "if_match": None if if_match is None else sorted(if_match)}
    if actor is not None:
        stored["actor"] = actor.to_json()
    with limited_transaction():
        operation = enqueue(
            organization=organization, creator=creator, kind=kind, import_id=import_id, arguments=stored
        )
        if rows is not None:
            queue_rows(operation, rows)
    return operation


def queue_corrected_file(
    *,
    organization: Organization,
    creator: Person,
    import_id: int,
    content: SpooledFile,
    sha256: str,
    name: str = "",
    content_type: str = "",
    if_match: Collection[str] | None = None,
) -> Operation:
    """Store the corrected error file of an import, and leave it to a worker to merge it, by ``correct_from_file``.

    The arguments are those of ``correct_from_file`` and of ``create_import_file``.

    Raises:
        RecordNotFound, WrongState, ImportPruned, Conflict, FileUnreadable: as for ``correct_from_file``.
        InvalidAttribute: it is no error file.
        Unavailable: another transaction has held a lock for too long.
    """
    find_correctable(organization=organization, import_id=import_id)
    with limited_transaction():
        file = files.create_import_file(
            organization=organization,
            creator=creator,
            content=content,
            sha256=sha256,
            name=name,
            content_type=content_type,
        )
        find_error_sheets(file, content, import_id)
        return queue_operation(
            organization=organization,
            creator=creator,
            kind=Kind.CHECK,
            import_id=import_id,
            if_match=if_match,
            arguments={"corrected_file_id": file.pk},
        )


def perform_operation(operation: Operation, report: Report) -> int:
    """Do the work of an operation in the caller's transaction; return the id of the import.

    Raises:
        DomainError: as the service does.
    """
    organization, creator, import_id = operation.organization, operation.creator, operation.import_record_id
    arguments = operation.arguments["arguments"]
    if operation.kind == Kind.CREATE and "import_file_id" in arguments:
        import_ = create_import_from_file(organization=organization, creator=creator, progress=report, **arguments)
        return int(import_.pk)
    if operation.kind == Kind.CREATE:
        rows = QueuedRows(operation)
        import_ = create_import(
            organization=organization, creator=creator, import_data=rows, progress=report, **arguments
        )
        return int(import_.pk)
    assert import_id is not None  # noqa: S101 - of every other kind
    if operation.kind == Kind.UPDATE:
        update_import(
            organization=organization,
            import_id=import_id,
            import_data=QueuedRows(operation),
            attributes=arguments,
            if_match=operation.arguments["if_match"],
            progress=report,
        )
        return import_id
    if operation.kind == Kind.CHECK:
        checked: dict[str, Any] = {
            "organization": organization,
            "import_id": import_id,
            "if_match": operation.arguments["if_match"],
        }
        if "corrected_file_id" in arguments:
            file = files.find_import_file(organization=organization, file_id=arguments["corrected_file_id"])
            correct_from_file(
                creator=creator,
                content=files.read_file(file),
                name=file.name,
                content_type=file.content_type,
                **checked,
            )
        elif "replace" in arguments:
            replace_value(**checked, **arguments["replace"])
        else:
            check_import(**checked, progress=report)
        return import_id
    if operation.kind == Kind.PREVIEW:
        make_preview(operation, report)
        return import_id
    of_caller: dict[str, Any] = {
        "actor": read_actor(operation.arguments.get("actor")) or Actor("person", str(creator), creator.pk),
        "if_match": operation.arguments["if_match"],
    }
    if operation.kind == Kind.IMPORT:
        queued = QueuedRows(operation)
        run_import(
            organization=organization,
            import_id=import_id,
            import_data=queued if queued.types else None,
            progress=report,
            **of_caller,
            **arguments,
        )
    else:
        revert_import(organization=organization, import_id=import_id, progress=report, **of_caller, **arguments)
    return import_id


PERFORMER = Performer(perform_operation, discard_rows)
