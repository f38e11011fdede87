"""The first tables of every room, in the order in which they refer to each other."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs `schema/0001_*.sql` of each room as the owner; it cannot be undone."""

    initial = True
    dependencies = [("procrastinate", "0001_initial")]
    operations = [
        migrations.RunSQL(room_sql("tenants", "0001_tenants.sql")),
        migrations.RunSQL(room_sql("records", "0001_records.sql")),
        migrations.RunSQL(room_sql("integrations", "0001_integrations.sql")),
        migrations.RunSQL(room_sql("exports", "0001_exports.sql")),
    ]
