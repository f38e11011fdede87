"""C2, C3: integrations that are still being set up, their newest test, and the system's lists."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the file as the owner; no integration that is there becomes a draft."""

    dependencies = [("bilag", "0008_access")]
    operations = [migrations.RunSQL(room_sql("integrations", "0009_drafts.sql"))]
