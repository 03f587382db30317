"""Keys to people that create something refer to authors, so that the removal of people does not check them."""

from django.db import migrations

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from people.author_key import ReferToAuthors


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("operations", "0006_restrict_removal"), ("people", "0006_author")]

    operations = [
        ReferToAuthors(
            "operation",
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="operation_creator_of_same_organization",
            ),
        ),
    ]
