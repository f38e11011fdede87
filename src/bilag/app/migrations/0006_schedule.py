"""C14: runs of a schedule and pauses, and which records may go with a run."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files as the owner; an integration without a schedule goes on as before."""

    dependencies = [("bilag", "0005_credentials")]
    operations = [
        migrations.RunSQL(room_sql("integrations", "0006_schedule.sql")),
        migrations.RunSQL(room_sql("exports", "0006_schedule.sql")),
    ]
