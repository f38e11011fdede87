"""What a change was, in words: what it was about, what it was before, what it is now.

A mapping's change is told by its two versions, which never change, as they differ.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bilag.core.problem import Refused
from bilag.exports.audit_log import Entry
from bilag.exports.masking import masked_detail
from bilag.mapping.words import differences_in_words
from bilag.portal.audit.templatetags.audit import day_words
from bilag.portal.audit.words import DECISION, decision_words
from bilag.portal.scope import Desk

MAPPING = "mapping.changed"
_MAPPING_OF = "mapping of "
# Of a change of several thousand rows no more are told in a file; the comparison has them all.
_ROWS_MAX = 100
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_NAMES = {
    "reason": gettext_lazy("Reason"),
    "sourceId": gettext_lazy("Claim"),
    "exports": gettext_lazy("Numbers of the exports"),
    "decision": gettext_lazy("Decision"),
    "closedThrough": gettext_lazy("Closed through"),
    "policy": gettext_lazy("What happens in a closed period"),
    "postingDates": gettext_lazy("Posting dates"),
    "filters": gettext_lazy("Included data"),
    "delivery": gettext_lazy("Schedule and posting date"),
    "role": gettext_lazy("Role"),
    "expires": gettext_lazy("Expires"),
    "tested": gettext_lazy("Tested"),
    "enabled": gettext_lazy("Switched on"),
    "name": gettext_lazy("Name"),
    "type": gettext_lazy("Type"),
    "book": gettext_lazy("Book"),
    "company": gettext_lazy("Company"),
    "version": gettext_lazy("Version"),
    "before": gettext_lazy("Before"),
    "after": gettext_lazy("After"),
    "scopes": gettext_lazy("Rights"),
    "days": gettext_lazy("Days"),
    "answer": gettext_lazy("Answer"),
    "check": gettext_lazy("Test"),
    "askedBy": gettext_lazy("Asked for by"),
    "language": gettext_lazy("Language"),
    "rule": gettext_lazy("Rule"),
    "cause": gettext_lazy("Cause"),
}


class Row(NamedTuple):
    """One thing that was told; `before` is None where nothing is said to have been before."""

    what: str
    before: str | None
    after: str


class Told(NamedTuple):
    """A change in words; `comparison` is the address of the page that compares two mappings."""

    rows: list[Row]
    more: bool = False
    comparison: str = ""

    @property
    def facts(self) -> list[Row]:
        """Return the rows that are no change."""
        return [one for one in self.rows if one.before is None]

    @property
    def changes(self) -> list[Row]:
        """Return the rows that say what was before."""
        return [one for one in self.rows if one.before is not None]

    def as_text(self) -> str:
        """Return the rows as lines, for a file."""
        lines = [
            f"{one.what}: {one.after}" if one.before is None
            else f"{one.what}: {one.before} → {one.after}"
            for one in self.rows
        ]  # fmt: skip
        return "\n".join([*lines, "…"] if self.more else lines)


def told(desk: Desk, one: Entry, *, masks: bool) -> Told:
    """Return what a change was; nothing for an attempt."""
    detail = one.detail or {}
    if one.event == MAPPING and not masks and (found := _mapping(desk, one, detail)):
        return found
    if one.event == DECISION:
        words = decision_words(detail, desk.language, masks=masks)
        return Told([Row(name, None, said) for name, said in words])
    shown = masked_detail(detail) if masks else detail
    rows = [row for name, value in shown.items() for row in _rows(name, value)]
    return Told(rows)


def _mapping(desk: Desk, one: Entry, detail: Mapping[str, Any]) -> Told | None:
    """Return how the two versions differ; None where they cannot be compared any more."""
    key = one.subject.removeprefix(_MAPPING_OF)
    old, new = detail.get("before"), detail.get("version")
    if not isinstance(old, int) or not isinstance(new, int):
        return None
    editor = desk.installation.mapping_editor_of(desk.organization.id, desk.actor)
    try:
        compared = editor.compare(key, old, new)
    except (Refused, LookupError):
        return None
    versions = Row(_("Version"), str(old), str(new))
    rows = [
        Row(*row)
        for part in compared.differences
        for row in differences_in_words(part, desk.language)
    ]
    page = reverse("mapping:compare", args=[desk.organization.slug, key])
    return Told(
        [versions, *rows[:_ROWS_MAX]],
        len(rows) > _ROWS_MAX or compared.more_claimants,
        f"{page}?{urlencode({'old': old, 'new': new})}",
    )


def _rows(name: str, value: Any) -> Iterator[Row]:
    what = str(_NAMES.get(name) or _spoken(name))
    if isinstance(value, Mapping) and value.keys() == {"before", "after"}:
        before, after = _read(value["before"]), _read(value["after"])
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for part in sorted({**before, **after}):
                if before.get(part) != after.get(part):
                    inner = str(_NAMES.get(part) or _spoken(part))
                    same = inner.casefold() in what.casefold()
                    yield Row(
                        what if same else f"{what}, {inner}",
                        _words(before.get(part)), _words(after.get(part)),
                    )  # fmt: skip
        else:
            yield Row(what, _words(before), _words(after))
    else:
        yield Row(what, None, _words(value))


def _spoken(name: str) -> str:
    """Return a name of a program as words: `waitsFor` is "waits for"."""
    words = _HUMPS.sub(" ", name.replace("settings.", "").replace("_", " ")).strip()
    return words[:1].upper() + words[1:].lower() if _HUMPS.search(name) else words


def _read(value: Any) -> Any:
    """Return what a text of JSON holds, and any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return "; ".join(
            f"{_NAMES.get(k) or _spoken(str(k))}: {_words(v)}" for k, v in value.items()
        )
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    text = str(value)
    return day_words(date.fromisoformat(text)) if _is_day(text) else text


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
