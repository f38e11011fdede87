"""What a change was about, in the words of the page: names and claims, where the log has keys."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from bilag.core.texts_settings import secret_title
from bilag.exports.audit_log import Entry
from bilag.exports.status import source_ids
from bilag.integrations.books import list_books
from bilag.integrations.store import list_integrations
from bilag.portal.audit.templatetags.audit import day_words

_EXPORT = re.compile(r"export ([0-9]{1,18})")
_EXPORTS = re.compile(r"([0-9]+) exports")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Names:
    """What integrations, books and exports are called; what is not there any more has its key."""

    integrations: dict[str, str] = field(default_factory=dict)
    books: dict[str, str] = field(default_factory=dict)
    claims: dict[int, str] = field(default_factory=dict)
    keys: bool = False

    def integration(self, key: str) -> str:
        """Return the name of an integration, with its key where this is for a file."""
        return self._called(self.integrations, key)

    def book(self, key: str) -> str:
        """Return the name of a book, with its key where this is for a file."""
        return self._called(self.books, key)

    def _called(self, names: dict[str, str], key: str) -> str:
        name = names.get(key, key)
        return f"{name} ({key})" if self.keys and name != key else name


def names_of(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    entries: Sequence[Entry],
    *,
    keys: bool = False,
) -> Names:
    """Read what the things are called that some entries are about; in three queries at most."""
    found = (_EXPORT.fullmatch(one.subject) for one in entries)
    ids = {int(one[1]) for one in found if one}
    return Names(
        {one.key: one.name for one in list_integrations(connection, organization_id, drafts=True)},
        {one.key: one.name for one in list_books(connection, organization_id)},
        source_ids(connection, sorted(ids)) if ids else {},
        keys,
    )


def subject_words(subject: str, names: Names) -> str:
    """Return what a change was about; what the log has no pattern for is told as it stands."""
    if found := _EXPORT.fullmatch(subject):
        claim = names.claims.get(int(found[1]))
        return _("claim %(id)s") % {"id": claim} if claim else _("a claim that is erased")
    if found := _EXPORTS.fullmatch(subject):
        return ngettext("%(n)s claim", "%(n)s claims", int(found[1])) % {"n": found[1]}
    kind, _space, rest = subject.partition(" ")
    if subject.startswith("mapping of "):
        key = subject.removeprefix("mapping of ")
        return _("field mapping of %(name)s") % {"name": names.integration(key)}
    if kind == "credential":
        key, _dot, secret = rest.partition(".")
        title = secret_title(secret, get_language() or "nb")
        return _("%(secret)s of %(name)s") % {"secret": title, "name": names.integration(key)}
    if kind == "integration":
        return _("integration %(name)s") % {"name": names.integration(rest)}
    if kind == "book":
        key, _space, days = rest.partition(" ")
        days = _DAY.sub(lambda found: day_words(date.fromisoformat(found[0])), days)
        return " ".join((_("book %(name)s") % {"name": names.book(key)}, days)).rstrip()
    return _other(subject, kind, rest)


def _other(subject: str, kind: str, rest: str) -> str:
    words = {
        "alerts": _("messages about alerts"),
        "retention": _("rules of retention"),
        "data key": _("the organization's key"),
    }
    patterns = {
        "claim": _("claim %(name)s"),
        "organization": _("organization %(name)s"),
        "member": _("member %(name)s"),
        "token": _("API token %(name)s"),
        "alert": _("alert %(name)s"),
    }
    if subject in words:
        return words[subject]
    return patterns[kind] % {"name": rest} if rest and kind in patterns else subject
