"""What ``filter[sample]`` is answered from."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be written while its indexes are made.
    atomic = False

    dependencies = [
        ("imports", "0005_journal_without_index_of_ids"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "sample", "id"], name="import_sample"),
        ),
    ]
