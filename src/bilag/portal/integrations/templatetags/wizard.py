"""The wizard's list of steps, for every page that is a step of it.

It shows nothing for an integration that is set up, so a page may always ask for it.
"""

from itertools import pairwise
from typing import Any

from django import template

from bilag.integrations.model import Integration
from bilag.portal.integrations.steps import steps

register = template.Library()


@register.inclusion_tag("integrations/wizard_steps.html")
def wizard_steps(desk: Any, integration: Integration | None, current: str) -> dict[str, object]:
    """Show the steps with the current one marked; nothing unless the integration is a draft."""
    if integration is None or not integration.is_draft:
        return {"steps": []}
    found = steps(desk.organization.slug, integration.key, current)
    number = next(place for place, step in enumerate(found, 1) if step.is_current)
    return {
        "steps": found,
        "number": number,
        "count": len(found),
        "integration": integration,
    }


@register.inclusion_tag("integrations/wizard_next.html")
def wizard_next(desk: Any, integration: Integration, current: str) -> dict[str, object]:
    """Show the way to the step that follows; nothing unless the integration is a draft.

    For pages that are not the wizard's own, and know nothing of what follows.
    """
    if not integration.is_draft:
        return {}
    found = steps(desk.organization.slug, integration.key, current)
    return {"onward": next(step for before, step in pairwise(found) if before.is_current)}
