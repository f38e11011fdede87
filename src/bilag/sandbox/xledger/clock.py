"""Xledger's date and time texts: Central European time, whole seconds, no zone.

Inside the sandbox a moment is whole seconds since 1970.
"""

import re
import time
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

# xledger.md §3 [C]: `yyyy-MM-ddTHH:mm:ss` WITHOUT zone in Central European time.
ZONE = ZoneInfo("Europe/Oslo")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def now() -> int:
    """Return this moment."""
    return int(time.time())


@lru_cache(maxsize=64)
def as_text(moment: int) -> str:
    """Return a moment as Xledger writes it."""
    return datetime.fromtimestamp(moment, ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def read(text: object) -> int:
    """Return the moment a text stands for; raises ValueError for any other form, a zone too."""
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        raise ValueError(f"Invalid DateTimeString '{text}', expected yyyy-MM-ddTHH:mm:ss")
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def read_date(text: object) -> date:
    """Return the date a text stands for (`yyyy-MM-dd`, §3 [C]); raises ValueError."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise ValueError(f"Invalid date '{text}', expected yyyy-MM-dd")
    return date.fromisoformat(text)
