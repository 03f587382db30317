"""Counters of requests."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="RequestCounter",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="The limit and the party, as token:7.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("period", models.BigIntegerField(help_text="The number of the period since 1970.")),
                ("count", models.BigIntegerField()),
            ],
        ),
        # Room on each page for the next version of a row, which is then found without a new entry of the index.
        migrations.RunSQL(
            "ALTER TABLE rate_limits_requestcounter SET UNLOGGED;"
            "ALTER TABLE rate_limits_requestcounter SET (fillfactor = 50)",
            migrations.RunSQL.noop,
        ),
    ]
