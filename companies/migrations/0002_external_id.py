"""What another system calls a company."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("companies", "0001_company")]

    operations = [
        migrations.AddField(
            model_name="company",
            name="external_id",
            field=models.CharField(
                blank=True,
                help_text=(
                    "What another system calls the company; unique in the organization, upper and lower case differ."
                ),
                max_length=255,
                null=True,
            ),
        ),
    ]
