"""Companies over HTTP, read-only."""

from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from companies.filters import CompanyFilterSet
from companies.models import Company
from companies.serializers import CompanySerializer
from organizations.views import OrganizationScopedViewSet


class CompanyViewSet(ListModelMixin, RetrieveModelMixin, OrganizationScopedViewSet):
    """``GET /companies`` and ``GET /companies/{id}`` (contract, section 2.6)."""

    queryset = Company.objects.all()
    serializer_class = CompanySerializer
    filterset_class = CompanyFilterSet
