"""The file that the rows of an import come from."""

import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0003_proposals"),
        ("imports", "0008_revert_results"),
        ("organizations", "0001_organization"),
        ("people", "0002_token_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="import_file",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                help_text="The file that the rows come from; null if they come from none.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="imports",
                to="files.importfile",
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="mapping",
            field=importsvc.postgres.fields.OrderedJsonField(
                editable=False, help_text="The mapping document that was used for the file.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "import_file", "id"], name="import_of_file"),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "import_file"),
                name="import_file_of_same_organization",
                to="files.ImportFile",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("import_file", None), ("mapping__isnull", True)),
                    models.Q(("import_file__isnull", False), ("mapping__isnull", False)),
                    _connector="OR",
                ),
                name="import_file_with_mapping",
            ),
        ),
    ]
