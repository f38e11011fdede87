"""E12 and E13: the limit for a second person, forced generations, reconciliations."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the SQL of both as the owner; it cannot be undone."""

    dependencies = [("bilag", "0001_initial")]
    operations = [
        migrations.RunSQL(room_sql("tenants", "0002_force_approval.sql")),
        migrations.RunSQL(room_sql("exports", "0002_forced.sql")),
        migrations.RunSQL(room_sql("monitoring", "0001_monitoring.sql")),
    ]
