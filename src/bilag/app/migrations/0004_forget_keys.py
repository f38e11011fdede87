"""Housekeeping: the keys of requests are deleted when their days are over."""

from django.db import migrations

from bilag.app.schema import room_sql


class Migration(migrations.Migration):
    """Runs the file as the owner; it adds a function and changes no row."""

    dependencies = [("bilag", "0003_closed_periods")]
    operations = [migrations.RunSQL(room_sql("tenants", "0004_forget_keys.sql"))]
