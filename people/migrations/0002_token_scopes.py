"""What a token may be used for. Tokens that are there may be used for everything."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0001_person_and_token"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="can_read",
            field=models.BooleanField(db_default=True, default=True, help_text="For GET requests."),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="can_import",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="For creating, updating and running imports, and all other changes.",
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="can_revert",
            field=models.BooleanField(db_default=True, default=True, help_text="For reverting imports."),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(("can_read", True), ("can_import", True), ("can_revert", True), _connector="OR"),
                name="token_has_scope",
                violation_error_message="A token needs a scope at least.",
            ),
        ),
    ]
