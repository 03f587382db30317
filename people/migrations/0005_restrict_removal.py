"""Keys that refer to people and companies take half as long to check when many of these are removed."""

from django.db import migrations

from importsvc.postgres.restricted_keys import RestrictRemoval


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("people", "0004_external_id_unique")]

    operations = [
        RestrictRemoval("person", "person_company_of_same_organization"),
        RestrictRemoval("apitoken", "token_person_of_same_organization"),
    ]
