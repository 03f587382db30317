"""How PostgreSQL plans the checks of foreign keys (its manual, plan_cache_mode and enable_seqscan)."""

from django.db import connection


def force_generic_plans() -> None:
    """Plan every statement that is kept, above all the checks of foreign keys, once and by an index.

    Holds until the transaction ends. A session keeps the plan of a key's first check: made while a table was nearly
    empty, it may be a scan of the whole table, which then serves a check for each of 100,000 rows. And to plan each
    check by itself takes longer than to check.
    """
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan")
