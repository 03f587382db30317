"""The API of import sessions."""

from __future__ import annotations

from collections.abc import Collection

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from importsvc.idempotency.decorator import idempotent
from importsvc.import_sessions import services
from importsvc.import_sessions.filters import ImportSessionFilterSet
from importsvc.import_sessions.models import ImportSession
from importsvc.import_sessions.serializers import ImportSessionSerializer, NewImportSessionSerializer
from importsvc.jsonapi.description import described
from importsvc.jsonapi.document.resources import read_field_names
from importsvc.jsonapi.mixins import ListMixin, RetrieveMixin
from importsvc.jsonapi.views import JsonApiViewSet
from organizations.views import OrganizationScopedViewSet
from people.models import Scope
from people.permissions import has_scope, require_scope


class ImportSessionViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``/import_sessions``."""

    queryset = ImportSession.objects.all()
    serializer_class = ImportSessionSerializer
    filterset_class = ImportSessionFilterSet
    writable_relationships = {"create": {"person": "people"}}
    http_method_names = [name for name in JsonApiViewSet.http_method_names if name != "patch"] + ["delete"]

    @classmethod
    def get_known_attributes(cls) -> Collection[str]:
        return read_field_names(NewImportSessionSerializer)

    @idempotent
    @described(
        "Create a link to the wizard",
        serializer=NewImportSessionSerializer,
        example={"record_types": ["company", "person"], "return_url": "https://app.example.com/contacts"},
        relationship="person",
        is_required=True,
        status=201,
        further_attributes={"url": {"type": "string", "format": "uri"}},
    )
    def create(self, request: Request) -> Response:
        """``POST /import_sessions``. The URL of the link is only in this response.

        The session may do no more than the token: it reads and imports, and reverts if the token may.
        """
        require_scope(request, Scope.READ)
        attributes = self.read_attributes(NewImportSessionSerializer)
        made = services.create_import_session(
            organization=self.organization,
            creator=self.caller,
            person_id=self.read_relationship("person"),
            may_revert=has_scope(request, Scope.REVERT),
            **attributes,
        )
        location = reverse("import_sessions-detail", [made.session.pk], request=request)
        response = self.respond(made.session.pk, status=status.HTTP_201_CREATED, headers={"Location": location})
        url = reverse("enter-import", [self.organization.pk, made.key], request=request)
        response.data["data"].setdefault("attributes", {})["url"] = url
        return response

    @idempotent
    @described("Revoke a link to the wizard", has_data=False)
    def destroy(self, request: Request, pk: str) -> Response:
        """``DELETE /import_sessions/{id}``: the link opens nothing any more. The document has only ``meta``."""
        services.delete_import_session(organization=self.organization, session_id=self.get_record_id())
        return Response({"meta": self.get_document_meta()})
