"""Amounts as people write them: grouped digits, two decimals, more only where there are more."""

from decimal import Decimal

from babel.numbers import format_decimal
from django import template
from django.utils.translation import get_language

register = template.Library()

_LOCALES = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}


@register.filter
def amount(value: Decimal) -> str:
    """Return an amount in the language of the page, never rounded; a minus sign when negative."""
    locale = _LOCALES.get(get_language() or "nb", "nb_NO")
    return str(format_decimal(value, "#,##0.00##", locale=locale)).replace("-", "−")


@register.filter
def quantity(value: Decimal) -> str:
    """Return a number without needless decimals."""
    locale = _LOCALES.get(get_language() or "nb", "nb_NO")
    return str(format_decimal(value, "#,##0.####", locale=locale))
