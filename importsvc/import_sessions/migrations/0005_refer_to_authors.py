"""Keys to people that create something refer to authors, so that the removal of people does not check them."""

from django.db import migrations

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from people.author_key import ReferToAuthors


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("import_sessions", "0004_restrict_removal"), ("people", "0006_author")]

    operations = [
        ReferToAuthors(
            "importsession",
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_session_creator_of_same_organization",
            ),
        ),
        ReferToAuthors(
            "importsession",
            ForeignKeyConstraint(
                fields=["organization", "person"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_session_person_of_same_organization",
            ),
        ),
    ]
