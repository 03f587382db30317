"""What lists of imports sorted by their time stamps, in either direction, are answered from."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be written while its indexes are made.
    atomic = False

    dependencies = [
        ("imports", "0006_index_of_sample"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "started_at", "id"], name="import_started_at"),
        ),
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "-started_at", "id"], name="import_started_at_desc"),
        ),
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "processed_at", "id"], name="import_processed_at"),
        ),
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "-processed_at", "id"], name="import_processed_at_desc"),
        ),
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "reverted_at", "id"], name="import_reverted_at"),
        ),
        AddIndexConcurrently(
            model_name="import",
            index=models.Index(fields=["organization", "-reverted_at", "id"], name="import_reverted_at_desc"),
        ),
    ]
