"""Wiring: settings, migrations, the embedded database, the command line. Nothing imports `app`."""
