"""X3: when an API token was last used."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the file as the owner; tokens that are there have not been used until they are."""

    dependencies = [("bilag", "0007_accounts")]
    operations = [migrations.RunSQL(room_sql("tenants", "0008_access.sql"))]
