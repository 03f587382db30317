"""People that act, to which the keys of what they create are to refer."""

import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [("people", "0005_restrict_removal")]

    operations = [
        migrations.CreateModel(
            name="Author",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "person_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="people.person",
                    ),
                ),
            ],
            options={
                "constraints": [
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        cascades=True,
                        fields=("organization", "person"),
                        name="author_of_person",
                        to="people.Person",
                        to_fields=("organization", "id"),
                    )
                ],
            },
        ),
    ]
