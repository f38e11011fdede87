"""Tags about health: the state as an icon with its word."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bilag.monitoring.health import Colour
from bilag.portal.watch.words import HEALTH, counted

register = template.Library()


@register.simple_tag
def health_tag(colour: Colour) -> SafeString:
    """Return health as a tag: an icon that is not read out, and the word."""
    word, shade, icon = HEALTH[colour]
    return format_html(
        '<span class="ds-tag" data-color="{}"><span aria-hidden="true">{}</span>&nbsp;{}</span>',
        shade,
        icon,
        word,
    )


@register.filter
def at_least(count: int) -> str:
    """Return a count as a number, or as what it is at least."""
    return counted(count)
