"""Tags that every page may use: addresses of assets, states as tags, masks, foreign texts."""

from functools import cache
from typing import Any

from django import template
from django.forms import BaseForm
from django.template import Context
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bilag import __version__

register = template.Library()

# state -> (what it is called, colour of the design system, icon); words alone tell them apart
_STATES: dict[str, tuple[Promise, str, str]] = {
    "exported": (gettext_lazy("exported"), "success", "✓"),
    "pending": (gettext_lazy("pending"), "info", "…"),
    "sending": (gettext_lazy("sending"), "info", "→"),
    "accepted": (gettext_lazy("accepted"), "info", "→"),
    "held": (gettext_lazy("held"), "warning", "‖"),
    "in_doubt": (gettext_lazy("in doubt"), "warning", "?"),
    "needs_review": (gettext_lazy("needs review"), "warning", "?"),
    "failed": (gettext_lazy("failed"), "danger", "✕"),
    "excluded": (gettext_lazy("excluded"), "neutral", "–"),
    "cancelled": (gettext_lazy("cancelled"), "neutral", "–"),
    "superseded": (gettext_lazy("superseded"), "neutral", "–"),
    "reversed": (gettext_lazy("reversed"), "neutral", "↶"),
    "approved": (gettext_lazy("approved"), "neutral", "✓"),
    # of an integration
    "active": (gettext_lazy("active"), "success", "✓"),
    "error": (gettext_lazy("error"), "danger", "✕"),
    "disabled": (gettext_lazy("disabled"), "neutral", "–"),
    "draft": (gettext_lazy("not finished"), "info", "…"),
    "not_configured": (gettext_lazy("not configured"), "neutral", "–"),
}


@register.simple_tag
@cache
def asset(name: str) -> str:
    """Return the address of a file of `static/`; another version has another address."""
    return f"{static(name)}?v={__version__}"


@register.simple_tag(takes_context=True)
def if_refused(context: Context) -> str:
    """Return what the title of a page begins with that shows a summary of errors.

    Those are of its forms, or the page calls them `errors`.
    """
    found: dict[Any, Any] = context.flatten()
    forms = (one for one in found.values() if isinstance(one, BaseForm))
    refused = found.get("errors") or any(form.errors for form in forms)
    return f"{_('Error:')} " if refused else ""


@register.filter
def state_name(state: str) -> str:
    """Return what a state is called; an unknown one is told as it is."""
    return str(_STATES[state][0]) if state in _STATES else state


@register.simple_tag
def state_tag(state: str) -> SafeString:
    """Return a state as a tag: an icon that is not read out, and the word."""
    colour, icon = _STATES[state][1:] if state in _STATES else ("neutral", "–")
    return format_html(
        '<span class="ds-tag" data-color="{}"><span aria-hidden="true">{}</span>&nbsp;{}</span>',
        colour,
        icon,
        state_name(state),
    )


@register.filter
def person(actor: str) -> str:
    """Return who did something, without the word for what kind of actor it was."""
    return actor.removeprefix("user ")


@register.simple_tag
def masked(last_four: str) -> SafeString:
    """Return a mask that is seen, and what is heard instead of it: "ends in abcd"."""
    return format_html(
        '<span aria-hidden="true">••••••••{}</span><span class="ds-sr-only">{}</span>',
        last_four,
        _("ends in %(characters)s") % {"characters": " ".join(last_four)},
    )


@register.simple_tag
def foreign(text: str, language: str = "en") -> SafeString:
    """Return another system's own words, folded away and marked as being in their language."""
    return format_html(
        '<details class="ds-details"><summary>{}</summary>'
        '<blockquote lang="{}">{}</blockquote></details>',
        _("What the accounting system said"),
        language,
        text,
    )
