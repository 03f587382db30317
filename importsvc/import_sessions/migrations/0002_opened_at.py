"""When a link was opened first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("import_sessions", "0001_import_session")]

    operations = [
        migrations.AddField(
            model_name="importsession",
            name="opened_at",
            field=models.DateTimeField(
                editable=False, help_text="When the link was opened first; null if it never was.", null=True
            ),
        ),
    ]
