"""Times, amounts and outcomes as these pages show them, in the words and forms of the language."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_decimal
from django import template
from django.utils.formats import date_format, get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from bilag.exports.audit_log import Entry
from bilag.mapping.dates import TIME_ZONE
from bilag.portal.audit.words import (
    DECISION,
    decision_words,
    event_name,
    outcome_look,
    outcome_name,
)

register = template.Library()

_LOCALES = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}
register.filter("event_name", event_name)


@register.filter
def person(actor: str) -> str:
    """Return who did something as people know each other: a user by the e-mail address alone."""
    return actor.removeprefix("user ")


@register.simple_tag
def day(on: date | None) -> SafeString:
    """Return a day in the one form that days have in this language. None is a dash."""
    if on is None:
        return SafeString("–")
    return format_html('<time datetime="{}">{}</time>', on.isoformat(), day_words(on))


def day_words(on: date) -> str:
    """Return a day in that form, as plain text."""
    return date_format(on, "SHORT_DATE_FORMAT")


@register.simple_tag
def decision_of(entry: Entry, *, masks: bool) -> list[tuple[str, str]]:
    """Return a person's decision about a claim in doubt in words; nothing for other entries."""
    if entry.event != DECISION or not entry.detail:
        return []
    return list(decision_words(entry.detail, get_language() or "nb", masks=masks))


@register.simple_tag
def moment(at: datetime | None, to: str = "second") -> SafeString:
    """Return a time in Oslo, absolute, to the second or the minute. None is a dash.

    Its weekday is heard, and seen on hover.
    """
    if at is None:
        return SafeString("–")
    return _drawn(int(at.timestamp()), to, get_language() or "nb")


# A third of the time of a page full of times, which a row says twice and the next request again.
@lru_cache(maxsize=5_000)
def _drawn(seconds: int, to: str, language: str) -> SafeString:
    there = datetime.fromtimestamp(seconds, TIME_ZONE)
    weekday = date_format(there, "l")
    form = get_format("DATETIME_FORMAT", language)
    told = date_format(there, f"{form}:s" if to == "second" else form)
    # the time may stand under its day, a day is never broken
    day, _, time = told.rpartition(" ")
    return format_html(
        '<time datetime="{}" title="{}"><span class="ds-sr-only">{} </span>'
        '<span class="date">{}</span> {}</time>',
        there.isoformat(),
        weekday,
        weekday,
        day,
        time,
    )


@register.simple_tag
def money(amount: Decimal, currency: str = "") -> str:
    """Return an amount as people write it, with its currency where one is given."""
    text = format_decimal(amount, format="#,##0.00##", locale=_locale())
    return f"{text} {currency}".rstrip()


@register.simple_tag
def outcome_tag(outcome: str) -> SafeString:
    """Return an outcome as a tag: an icon that is not read out, and the word; nothing for none."""
    if not outcome:
        return SafeString("")
    colour, icon = outcome_look(outcome)
    return format_html(
        '<span class="ds-tag" data-color="{}"><span aria-hidden="true">{}</span>&nbsp;{}</span>',
        colour,
        icon,
        outcome_name(outcome),
    )


def _locale() -> str:
    return _LOCALES.get(get_language() or "nb", "nb_NO")
