"""Where the cause of an alert is seen: the page that a link on the portal or in an e-mail opens.

Each role is led to a page that it may open.
"""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from bilag.core.texts import say
from bilag.monitoring.alerts import Alert

_OF_INTEGRATION = ("breaker", "credential", "other_company", "stopped", "warning")


class Place(NamedTuple):
    """A page: what the link to it says, and its path from the root of the portal."""

    name: str
    path: str


def place_of(alert: Alert, slug: str, role: str, language: str) -> Place:
    """Return the page on which somebody of this role sees what an alert is about."""
    if role == "global_admin":
        code, path = "all", f"/admin-overview?{urlencode({'named': slug})}"
    else:
        code, inside = _inside(alert, role)
        path = f"/o/{slug}/{inside}"
    words = {name: str(alert.params.get(name, "")) for name in ("integration", "source_id")}
    return Place(say(f"alert_at_{code}", language, **words), path)


def _inside(alert: Alert, role: str) -> tuple[str, str]:
    """Return which text names the page, and its path within the organization."""
    key = {"integration": alert.integration_key} if alert.integration_key else {}
    if alert.rule == "refusal":
        if role == "coordinator":
            return "failed", f"exports?{urlencode({'state': 'failed', **key})}"
        return "failed", f"failed?{urlencode(key)}" if key else "failed"
    if alert.rule == "failures_in_a_row":
        return "claim", f"exports?{urlencode({'record': alert.params.get('source_id', '')})}"
    if alert.rule == "silence":
        return "claims", "exports"
    if alert.rule in _OF_INTEGRATION and alert.integration_key and role != "coordinator":
        home = f"settings/integrations/{quote(alert.integration_key)}"
        field = alert.params.get("field")
        if alert.rule == "credential" and field and role == "admin":
            return "credential", f"{home}/credentials/{quote(field)}"
        return "integration", home
    return "overview", ""
