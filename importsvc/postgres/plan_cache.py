"""PostgreSQL's settings for the plans of foreign key checks (its manual, plan_cache_mode and enable_seqscan)."""

from django.db import connection


def force_generic_plans() -> None:
    """Set ``plan_cache_mode = force_generic_plan`` and ``enable_seqscan = off`` until the transaction ends.

    Foreign key checks are prepared statements. A session caches the plan of the first check: if the table was nearly
    empty then, the plan may scan the whole table, for each of 100,000 rows. A new plan for each check would take longer
    than the check.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan")
