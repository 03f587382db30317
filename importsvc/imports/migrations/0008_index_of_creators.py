"""The index that the composite key to creators is checked by, in place of one of its columns only."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be written while its index is made.
    atomic = False

    dependencies = [
        ("imports", "0007_indexes_of_time_stamps"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["creator", "organization"], name="import_creator_organization"),
        ),
        migrations.AlterField(
            model_name="import",
            name="creator",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="imports",
                to="people.person",
            ),
        ),
    ]
