"""Every URL of the service."""

from django.contrib import admin
from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from companies.views import CompanyViewSet
from importsvc.files.api.views import ImportFileViewSet, ImportModelViewSet
from importsvc.import_sessions.entry import enter
from importsvc.import_sessions.views import ImportSessionViewSet
from importsvc.imports.api.operations import OperationViewSet
from importsvc.imports.api.views import ImportViewSet
from importsvc.jsonapi.errors import unknown_url
from importsvc.openapi.views import Language, describe
from importsvc.pages import read_api, show_start, try_api
from importsvc.webhooks.views import WebhookDeliveryViewSet, WebhookEndpointViewSet
from organizations.views import OrganizationViewSet
from people.views import PersonViewSet

router = SimpleRouter(trailing_slash=False)
router.register("imports", ImportViewSet, basename="imports")
router.register("import_files", ImportFileViewSet, basename="import_files")
router.register("import_models", ImportModelViewSet, basename="import_models")
router.register("import_sessions", ImportSessionViewSet, basename="import_sessions")
router.register("operations", OperationViewSet, basename="operations")
router.register("people", PersonViewSet, basename="people")
router.register("companies", CompanyViewSet, basename="companies")
router.register("organizations", OrganizationViewSet, basename="organizations")
router.register("webhook_endpoints", WebhookEndpointViewSet, basename="webhook_endpoints")
router.register("webhook_deliveries", WebhookDeliveryViewSet, basename="webhook_deliveries")

urlpatterns = [
    path("", show_start, name="start"),
    path("api/docs/", read_api, name="read-api"),
    path("api/try/", try_api, name="try-api"),
    path("api/v2/openapi.json", describe, {"language": Language.JSON}, name="description-json"),
    path("api/v2/openapi.yaml", describe, {"language": Language.YAML}, name="description-yaml"),
    path("api/v2/", include(router.urls)),
    re_path(r"^api/", unknown_url),
    path("import/enter/<int:organization_id>/<str:key>", enter, name="enter-import"),
    path("import/", include("importsvc.wizard.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "importsvc.jsonapi.errors.bad_request"
handler403 = "importsvc.jsonapi.errors.permission_denied"
handler404 = "importsvc.jsonapi.errors.page_not_found"
handler500 = "importsvc.jsonapi.errors.server_error"
