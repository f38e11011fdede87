"""Moments and amounts as these pages say them: local, absolute, in the language of the page."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.formats import date_format, number_format

from bilag.mapping.dates import TIME_ZONE


def moment_words(moment: datetime, zone: ZoneInfo = TIME_ZONE) -> str:
    """Return a moment with its day of the week, by the clock of a time zone that is named."""
    there = moment.astimezone(zone)
    return f"{date_format(there, 'l')} {date_format(there, 'DATETIME_FORMAT')} ({zone.key})"


def amount_words(amount: Decimal) -> str:
    """Return an amount with two decimals and groups of digits, as the language writes it."""
    return number_format(amount, 2, force_grouping=True)
