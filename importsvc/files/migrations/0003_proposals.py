"""The mapping that is proposed for a file."""

import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0002_import_model"),
    ]

    operations = [
        migrations.AddField(
            model_name="importfile",
            name="proposed_mapping",
            field=importsvc.postgres.fields.OrderedJsonField(
                help_text="A mapping document for the columns.", null=True
            ),
        ),
        migrations.AddField(
            model_name="importfile",
            name="proposed_import_model",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="The model that the proposed mapping is; null if it is none.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="files.importmodel",
            ),
        ),
        migrations.AddIndex(
            model_name="importfile",
            index=models.Index(
                condition=models.Q(("proposed_import_model__isnull", False)),
                fields=["proposed_import_model", "organization"],
                name="import_file_proposed_model",
            ),
        ),
        migrations.AddConstraint(
            model_name="importfile",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "proposed_import_model"),
                name="import_file_proposed_model_of_same_organization",
                to="files.ImportModel",
                to_fields=("organization", "id"),
            ),
        ),
    ]
