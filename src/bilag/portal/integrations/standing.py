"""How integrations and credentials stand, in words: states, expiry, what a test found.

Texts of other systems are marked as being in another language; long ones are folded.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bilag.core.clock import utc_now
from bilag.core.problem import Problem
from bilag.delivery.connecting import Connected
from bilag.integrations.vault import CredentialDescription
from bilag.portal.templatetags.portal import foreign

# What other systems say is in their own language, most often English.
_THEIRS = ("reason", "message")
_INLINE_MAX = 160
_MARK = "\x02"

# What a list is called.
KINDS: Mapping[str, Promise] = {
    "accounts": gettext_lazy("Ledger accounts"),
    "cost_centres": gettext_lazy("Cost centres"),
    "projects": gettext_lazy("Projects"),
    "vat_codes": gettext_lazy("VAT codes"),
    "suppliers": gettext_lazy("Suppliers"),
    "vendors": gettext_lazy("Suppliers"),
    "employees": gettext_lazy("Employees"),
    "customers": gettext_lazy("Customers"),
    "currencies": gettext_lazy("Currencies"),
    "periods": gettext_lazy("Periods"),
    "dimensions": gettext_lazy("Dimensions"),
    "journals": gettext_lazy("Journals"),
}
# What a connector found out about a field, in `details` of its report.
_FINDINGS: Mapping[str, Promise] = {
    "confirmed": gettext_lazy("confirmed"),
    "contradicted": gettext_lazy("not there"),
    "offered": gettext_lazy("there, not used"),
    "unknown": gettext_lazy("unknown"),
}


def kind_name(kind: str) -> str:
    """Return what a list is called; an unknown one by its own name."""
    return str(KINDS.get(kind, kind.replace("_", " ").capitalize()))


def finding(value: str) -> str:
    """Return what a connector found out about a field, in words."""
    word, colon, rest = value.partition(":")
    return f"{_FINDINGS.get(word, word)}{colon}{rest}"


def problem_text(problem: Problem, language: str) -> SafeString:
    """Return the sentence of a problem, the other system's own words marked as such.

    What they said at length stands folded below the sentence.
    """
    theirs = {name: problem.params[name] for name in _THEIRS if problem.params.get(name)}
    # our own sentences in it are in the reader's language already
    marked = {name: f"{_MARK}{name}{_MARK}" for name in theirs}
    text = str(escape(replace(problem, params={**problem.params, **marked}).text(language)))
    folded = []
    for name, said in theirs.items():
        if len(said) <= _INLINE_MAX:
            shown = format_html('<span lang="en">{}</span>', said)
        else:
            shown = mark_safe("…")  # a constant
            folded.append(foreign(said))
        text = text.replace(f"{_MARK}{name}{_MARK}", shown)
    return mark_safe(text + "".join(folded))  # noqa: S308  # every part was escaped above


def expiry_words(one: CredentialDescription) -> str:
    """Return when a credential expires, with the days that are left; empty without a date."""
    if one.expires_at is None:
        return _("No expiry date is known")
    left = one.days_left(utc_now()) or 0
    day = date_format(timezone.localtime(one.expires_at), "DATE_FORMAT")
    if one.expires_at < utc_now():
        return _("Expired on %(day)s") % {"day": day}
    return ngettext(
        "Expires on %(day)s, in %(count)s day", "Expires on %(day)s, in %(count)s days", left
    ) % {"day": day, "count": left}


def last_four(one: CredentialDescription) -> str:
    """Return the characters of a credential that may be shown; empty for a short one."""
    return re.sub("^•+", "", one.masked)


def state_words(found: Connected) -> str:
    """Return in a sentence how an integration stands and what that means for claims."""
    runtime = found.runtime
    if found.state == "draft":
        return _("It is being set up. Nothing is sent.")
    if found.state == "disabled":
        return _("It is switched off. Approved claims wait, and nothing is sent.")
    if found.state == "error":
        return _("It is stopped. Approved claims wait until a connection test passes.")
    if _ahead(runtime.breaker_retry_at):
        return _("The system does not answer. It is tried again by itself; nothing is lost.")
    if _ahead(runtime.paused_until):
        return _("The system asked us to wait. Sending goes on by itself.")
    if not found.integration.is_route:
        return _("Another integration delivers to its book now. It gets nothing new.")
    return _("It is on. Approved claims are sent as its schedule says.")


def _ahead(moment: datetime | None) -> bool:
    return moment is not None and moment > utc_now()
