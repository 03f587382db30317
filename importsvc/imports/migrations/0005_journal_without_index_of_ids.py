"""The journal's index of ids goes: nothing asks for an entry by its id, and keeping it is a fifth of writing an entry.

An entry is told by its import and its record, which are unique; the id only counts entries.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0004_shared_values_of_imports"),
    ]

    operations = [
        migrations.RunSQL(
            sql="""
                ALTER TABLE imports_change REPLICA IDENTITY USING INDEX change_record_once;
                ALTER TABLE imports_change DROP CONSTRAINT imports_change_pkey;
            """,
            reverse_sql="""
                ALTER TABLE imports_change ADD CONSTRAINT imports_change_pkey PRIMARY KEY (id);
                ALTER TABLE imports_change REPLICA IDENTITY DEFAULT;
            """,
        ),
    ]
