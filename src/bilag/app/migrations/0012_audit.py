"""O6, X7: indexes of the audit log and of the list of claims, and how long evidence is kept."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files as the owner; the new column of `exports` writes that table anew once."""

    dependencies = [("bilag", "0011_included_data")]
    operations = [
        migrations.RunSQL(room_sql("tenants", "0012_retention.sql")),
        migrations.RunSQL(room_sql("exports", "0012_audit.sql")),
    ]
