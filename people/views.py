"""The API of people, read-only."""

from importsvc.jsonapi.mixins import ListMixin, RetrieveMixin
from organizations.views import OrganizationScopedViewSet
from people.filters import PersonFilterSet
from people.models import Person
from people.serializers import PersonSerializer


class PersonViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``GET /people`` and ``GET /people/{id}`` (contract, section 2.6)."""

    queryset = Person.objects.all()
    serializer_class = PersonSerializer
    filterset_class = PersonFilterSet
