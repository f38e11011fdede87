"""C13, C7: what filters leave out can be found again, and why a feature is excluded."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files as the owner; filters and features that are stored stay as they are."""

    dependencies = [("bilag", "0010_mapping_editor")]
    operations = [
        migrations.RunSQL(room_sql("tenants", "0011_feature_reasons.sql")),
        migrations.RunSQL(room_sql("exports", "0011_excluded.sql")),
    ]
