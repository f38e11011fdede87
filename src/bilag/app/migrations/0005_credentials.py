"""A credential that was replaced is kept until the new one has proven itself; data keys rotate."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the file as the owner; keys and credentials stay as they are."""

    dependencies = [("bilag", "0004_forget_keys")]
    operations = [migrations.RunSQL(room_sql("integrations", "0005_credentials.sql"))]
