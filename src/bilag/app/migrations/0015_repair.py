"""O4, E12: what keeps a claim, as keys to group by; the forced exports that wait for a person."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the file as the owner; keys of what waits now are worked out from its reasons."""

    dependencies = [("bilag", "0014_sync")]
    operations = [migrations.RunSQL(room_sql("exports", "0015_repair.sql"))]
