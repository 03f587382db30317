"""Every URL of the service, and the URLs of the baselines beside them."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from benchmarks.baselines import empty, hand_built, stock
from importsvc import urls as service
from importsvc.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

router = SimpleRouter(trailing_slash=False)
router.register("imports", stock.ImportViewSet, basename="stock-imports")
router.register("people", stock.PersonViewSet, basename="stock-people")
router.register("companies", stock.CompanyViewSet, basename="stock-companies")

urlpatterns = [
    path("baselines/empty", empty.answer),
    path("baselines/transaction", empty.answer_in_transaction),
    path("baselines/hand-built/imports", hand_built.ImportList.as_view()),
    path("baselines/hand-built/imports/<int:pk>", hand_built.ImportDetail.as_view()),
    path("baselines/hand-built/people", hand_built.PersonList.as_view()),
    path("baselines/hand-built/companies", hand_built.CompanyList.as_view()),
    path("baselines/stock/", include(router.urls)),
    *service.urlpatterns,
]
