"""The API of companies, read-only."""

from companies.filters import CompanyFilterSet
from companies.models import Company
from companies.serializers import CompanySerializer
from importsvc.jsonapi.mixins import ListMixin, RetrieveMixin
from organizations.views import OrganizationScopedViewSet


class CompanyViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``GET /companies`` and ``GET /companies/{id}`` (contract, section 2.6)."""

    queryset = Company.objects.all()
    serializer_class = CompanySerializer
    filterset_class = CompanyFilterSet
