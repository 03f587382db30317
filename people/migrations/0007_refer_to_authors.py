"""The key of tokens refers to authors, so that the removal of people does not check it."""

from django.db import migrations

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from people.author_key import ReferToAuthors


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("people", "0006_author")]

    operations = [
        ReferToAuthors(
            "apitoken",
            ForeignKeyConstraint(
                fields=["organization", "person"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="token_person_of_same_organization",
            ),
        ),
    ]
