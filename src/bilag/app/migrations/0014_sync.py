"""O3: syncs that people ask for, watch and stop."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files as the owner."""

    dependencies = [("bilag", "0013_watch")]
    operations = [
        migrations.RunSQL(room_sql(room, "0014_sync.sql")) for room in ("integrations", "exports")
    ]
