"""`{% sending_panel desk key %}`: how an integration sends, on the page that shows all of it."""

from typing import Any

from django import template

from bilag.portal.scope import Desk
from bilag.portal.sending.panel import read_panel

register = template.Library()


@register.inclusion_tag("sending/panel.html")
def sending_panel(desk: Desk, key: str) -> dict[str, Any]:
    """Draw state, schedule, next run and pauses, with the links to change them."""
    return {"panel": read_panel(desk, key), "desk": desk, "heading": True}
