"""C8, C9: unsaved changes of a mapping, and which expense types have come in."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the files as the owner; the expense types of the records that are there are counted."""

    dependencies = [("bilag", "0009_drafts")]
    operations = [
        migrations.RunSQL(room_sql("integrations", "0010_mapping_drafts.sql")),
        migrations.RunSQL(room_sql("records", "0010_types.sql")),
    ]
