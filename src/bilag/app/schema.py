"""Where a room's SQL files are: `src/bilag/<room>/schema/`."""

from importlib.resources import files

ROOMS = ("tenants", "records", "integrations", "exports", "monitoring")


def room_sql(room: str, name: str) -> str:
    """Return the text of one SQL file of a room; raises FileNotFoundError for a wrong name."""
    return (files("bilag") / room / "schema" / name).read_text(encoding="utf-8")
