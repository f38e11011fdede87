"""X3: invitations, global administrators, and the cache that web processes share."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the file as the owner; people's own tables come with the migrations of Django's apps."""

    dependencies = [("bilag", "0006_schedule")]
    operations = [migrations.RunSQL(room_sql("tenants", "0007_accounts.sql"))]
