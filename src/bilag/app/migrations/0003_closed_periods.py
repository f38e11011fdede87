"""The days that an accountant has closed, and what happens to claims whose posting date is one."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files of E15 as the owner; until someone closes a day nothing changes."""

    dependencies = [("bilag", "0002_forced_and_reconciled")]
    operations = [
        migrations.RunSQL(room_sql("tenants", "0003_closed_periods.sql")),
        migrations.RunSQL(room_sql("integrations", "0002_closed_through.sql")),
        migrations.RunSQL(room_sql("exports", "0003_open_day.sql")),
    ]
