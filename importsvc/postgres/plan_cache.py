"""PostgreSQL's settings for the plans of statements over all records of an import, and of their foreign key checks.

Of its manual: plan_cache_mode, enable_seqscan and enable_memoize.
"""

from django.db import connection


def force_generic_plans() -> None:
    """Set how statements and foreign key checks are planned, until the transaction ends.

    ``plan_cache_mode = force_generic_plan`` and ``enable_seqscan = off``: foreign key checks are prepared statements. A
    session caches the plan of the first check: if the table was nearly empty then, the plan may scan the whole table,
    for each of 100,000 rows. A new plan for each check would take longer than the check.

    ``enable_memoize = off``: PostgreSQL would remember what it found for each of a million records, and asks for each
    of them only once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DISCARD PLANS; SET LOCAL enable_seqscan = off; SET LOCAL enable_memoize = off;"
            " SET LOCAL plan_cache_mode = force_generic_plan"
        )
