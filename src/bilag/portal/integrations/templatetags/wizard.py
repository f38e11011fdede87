"""The wizard's list of steps, for every page that is a step of it.

It shows nothing for an integration that is set up, so a page may always ask for it.
"""

from typing import Any

from django import template

from bilag.integrations.model import Integration
from bilag.portal.integrations.steps import ELSEWHERE, steps

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
        # pages that are not the wizard's own know nothing of what follows
        "onward": found[number] if current in ELSEWHERE else None,
    }
