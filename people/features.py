"""The usage of metered features by people."""

from collections.abc import Mapping

from django.db import connection

from organizations.features import register_usage
from organizations.models import Organization


@register_usage
def count_usage(organization: Organization) -> Mapping[str, int]:
    """The numbers of placeholders and of private custom reports, by one query on two partial indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM people_person WHERE organization_id = %(id)s AND placeholder),"
            " (SELECT coalesce(sum(private_custom_reports_used), 0) FROM people_person"
            " WHERE organization_id = %(id)s AND private_custom_reports_used > 0)",
            {"id": organization.pk},
        )
        placeholders, reports = cursor.fetchone()
    return {"scheduling_placeholders": int(placeholders), "private_custom_reports": int(reports)}
