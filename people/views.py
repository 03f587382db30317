"""People over HTTP, read-only."""

from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from organizations.views import OrganizationScopedViewSet
from people.filters import PersonFilterSet
from people.models import Person
from people.serializers import PersonSerializer


class PersonViewSet(ListModelMixin, RetrieveModelMixin, OrganizationScopedViewSet):
    """``GET /people`` and ``GET /people/{id}`` (contract, section 2.6)."""

    queryset = Person.objects.all()
    serializer_class = PersonSerializer
    filterset_class = PersonFilterSet
    select_for_includes = {"company": ["company"]}
