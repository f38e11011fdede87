"""O1, O2, O7, O8, I9: what health, alerts, the control report and the wages are read from."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files as the owner; ages of what waits now count from the days it has waited."""

    dependencies = [("bilag", "0012_audit")]
    operations = [
        migrations.RunSQL(room_sql(room, "0013_watch.sql"))
        for room in ("integrations", "records", "exports", "monitoring")
    ]
