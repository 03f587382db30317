"""Requests whose work a worker does, where the client prefers that or the body is large (docs/asynchronous.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone
from rest_framework import status
from rest_framework.response import Response
from rest_framework.reverse import reverse

from importsvc.errors import DomainError
from importsvc.http import get_content_length
from importsvc.imports import services
from importsvc.imports.actors import Actor
from importsvc.imports.api.operations import OperationSerializer, OperationViewSet
from importsvc.imports.errors import ImportInUse
from importsvc.jsonapi.document.compiled import compile_document
from importsvc.jsonapi.request.preferences import Preferences, read_preferences
from importsvc.operations.errors import StoredError
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.selectors import find_running
from importsvc.operations.services import wait_until_finished
from organizations.views import OrganizationScopedViewSet


class _Refused(NamedTuple):
    """Work on an import that was refused during the request."""

    kind: Kind
    import_id: int
    error: DomainError
    began_at: datetime


class AsynchronousMixin(OrganizationScopedViewSet):
    """Work that is done during the request, or queued for a worker.

    A run or a check that is refused during the request is kept for staff (``services.keep_refusal``).
    """

    _refused: _Refused | None = None

    # The view of the operations that responses may have.
    operation_view = OperationViewSet

    def perform(
        self,
        kind: Kind,
        work: Callable[[], int],
        respond: Callable[[int], Response],
        *,
        attributes: dict[str, Any],
        import_id: int | None = None,
        if_match: Collection[str] | None = None,
    ) -> Response:
        """Do the work and respond, or queue it.

        Args:
            kind: names the work for a worker.
            work: does it, and returns the id of the import.
            respond: makes the response to a request whose work is done; its argument is that id.
            attributes: of the request's document.
            import_id: of the request; ``None`` if the work creates the import.
            if_match: of the request.
        """
        preferences = read_preferences(self.request)
        if not (preferences.respond_async or self._has_large_body()):
            began_at = timezone.now()
            try:
                return respond(work())
            except ImportInUse as error:
                raise self.name_operation(error, import_id) from error
            except DomainError as error:
                if import_id is not None and kind in (Kind.IMPORT, Kind.CHECK):
                    self._refused = _Refused(kind, import_id, error, began_at)
                raise
        arguments = dict(attributes)
        operation = services.queue_operation(
            organization=self.organization,
            creator=self.caller,
            kind=kind,
            import_id=import_id,
            import_data=arguments.pop("import_data", None),
            if_match=if_match,
            arguments=arguments,
        )
        if preferences.wait is not None:
            operation = wait_until_finished(
                organization=self.organization, operation_id=operation.pk, seconds=preferences.wait
            )
        if operation.status == Status.SUCCEEDED and operation.import_record_id is not None:
            return respond(operation.import_record_id)
        if operation.status == Status.FAILED:
            raise StoredError(operation.errors[0])
        return self._accept(operation, preferences)

    def handle_exception(self, exc: Exception) -> Response:
        """The response to an exception. Here the work is rolled back, also that of a request with a key."""
        if self._refused is not None and self._refused.error is exc:
            services.keep_refusal(organization=self.organization, actor=self.actor, **self._refused._asdict())
        return super().handle_exception(exc)

    @property
    def actor(self) -> Actor:
        """The caller, as it is stored with what is done."""
        return Actor("person", str(self.caller), self.caller.pk)

    def name_operation(self, error: ImportInUse, import_id: int | None) -> ImportInUse:
        """The error, with the operation that runs on the import in ``meta``, if there is one."""
        running = import_id and find_running(organization=self.organization, import_id=import_id)
        if running:
            error.meta = {"operation": {"type": "operations", "id": str(running.pk)}}
        return error

    def _has_large_body(self) -> bool:
        limit = settings.ASYNC_BODY_BYTES
        return limit is not None and get_content_length(self.request.META) > limit

    def _accept(self, operation: Operation, preferences: Preferences) -> Response:
        """The 202 response with the operation."""
        url = reverse("operations-detail", [operation.pk], request=self.request)
        # The query parameters of the request are about imports.
        shape = compile_document(OperationSerializer, None, frozenset())
        return Response(
            self.build_document(operation.pk, shape, OperationViewSet),
            status=status.HTTP_202_ACCEPTED,
            headers=preferences.make_headers(url, is_finished=operation.finished_at is not None),
        )
