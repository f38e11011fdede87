"""What all pages of the mapping editor have: whose mapping, its verbs, its tabs, what is wrong.

An accountant reads; only an administrator changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bilag.core.problem import Problem
from bilag.core.record import CATEGORIES
from bilag.delivery.mapping_desk import Checked, WorkingCopy
from bilag.delivery.mapping_editor import MappingEditor
from bilag.delivery.mapping_tables import MappingTables
from bilag.delivery.mapping_trial import MappingTrial
from bilag.portal.mapping.rule_places import TEXTS
from bilag.portal.scope import Desk, say

TABS: tuple[tuple[str, Promise], ...] = (
    ("categories", gettext_lazy("Categories")),
    ("claimants", gettext_lazy("Claimants")),
    ("fields", gettext_lazy("Fields")),
    ("versions", gettext_lazy("Versions")),
    ("preview", gettext_lazy("Preview")),
)
TOLD = ("faults", "more_faults", "hints", "told")
# The page on which a claim's problem is mended; most are mended by the expense types.
_MENDED_ON = {
    "claimant_not_mapped": "claimants",
    "clearing_account_missing": "claimants",
    "field_required": "fields",
    "field_too_long": "fields",
    "value_not_in_table": "fields",
    "value_not_a_date": "fields",
    "value_not_a_number": "fields",
    "cannot_be_built": "preview",
}
# More problems than these are counted, not listed.
_PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem of the mapping as a page tells it, with the page where it is mended."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Room:
    """The mapping of one integration on one person's desk."""

    desk: Desk
    key: str

    @property
    def editor(self) -> MappingEditor:
        """Return the verbs for the working copy."""
        return self.desk.installation.mapping_editor_of(self.desk.organization.id, self.desk.actor)

    @property
    def tables(self) -> MappingTables:
        """Return the verbs for expense types and claimants."""
        return self.desk.installation.mapping_tables_of(self.desk.organization.id, self.desk.actor)

    @property
    def trial(self) -> MappingTrial:
        """Return the verbs for previews and effects."""
        return self.desk.installation.mapping_trial_of(self.desk.organization.id, self.desk.actor)

    def working(self) -> WorkingCopy:
        """Return the working copy; an unknown integration has no page."""
        try:
            return self.editor.working_copy(self.key)
        except LookupError as error:
            raise Http404 from error

    def address(self, page: str, *parts: object, **query: str) -> str:
        """Return the address of a page of this mapping."""
        path = reverse(f"mapping:{page}", args=[self.desk.organization.slug, self.key, *parts])
        return f"{path}?{urlencode(query)}" if query else path

    def go(self, page: str, *parts: object, **query: str) -> HttpResponse:
        """Return the redirect to a page of this mapping."""
        return redirect(self.address(page, *parts, **query))

    def shown(
        self,
        request: HttpRequest,
        template: str,
        tab: str,
        copy: WorkingCopy,
        context: Mapping[str, Any],
        status: int = 200,
    ) -> HttpResponse:
        """Return a page with what stands on each of them."""
        told = cache(lambda: self.told(self.editor.checked(copy)))  # only where a page shows it
        return render(
            request,
            f"mapping/{template}.html",
            {
                "room": self,
                "copy": copy,
                "integration": copy.integration,
                "tab": tab,
                "tabs": [
                    (self.address(name), label, name == tab, name == template)
                    for name, label in TABS
                ],
                "may_edit": self.desk.role == "admin",
                **{name: partial(_part_of, told, name) for name in TOLD},
                **context,
            },
            status=status,
        )

    def told(self, checked: Checked) -> dict[str, Any]:
        """Return faults and hints as the list of problems shows them."""
        return {
            "faults": [self.fault(one) for one in checked.faults[:_PROBLEMS_SHOWN]],
            "more_faults": max(0, len(checked.faults) - _PROBLEMS_SHOWN),
            "hints": [self.fault(one) for one in checked.hints[:_PROBLEMS_SHOWN]],
            "told": None,
        }

    def fault(self, problem: Problem) -> Fault:
        """Return a problem in the person's language, with the page where it is mended."""
        return Fault(problem.text(self.desk.language), self._mended_at(problem.field))

    def waiting(self, *, in_force: bool = False) -> dict[str, Any]:
        """Return what of the claims that wait would be held and why, or which tables are empty."""
        copy, effect = self.trial.held(self.key, in_force=in_force)
        causes = effect.causes if effect else []
        names = dict(TABS)
        return {
            "copy": copy,
            "held": effect,
            "causes": [
                (
                    one.claims,
                    one.problem.text(self.desk.language),
                    names[page],
                    self.address(page),
                )
                for one in causes[:_PROBLEMS_SHOWN]
                for page in [_MENDED_ON.get(one.problem.code, "categories")]
            ],
            "more_causes": max(0, len(causes) - _PROBLEMS_SHOWN),
            "empty": [
                (part, names[page], self.address(page))
                for part in copy.empty_parts
                for page in ["claimants" if part == "claimants" else "categories"]
            ],
        }

    def say_kept(self, request: HttpRequest, copy: WorkingCopy) -> None:
        """Say that a change is kept, and that it is not in force yet."""
        if copy.is_changed:
            say(request, _("Your change is kept. It is in force once you have saved the mapping."))
        else:
            say(request, _("This is as it was: there is nothing to save."))

    def _mended_at(self, place: str) -> str:
        top, _dot, rest = place.partition(".")
        if top == "categories" and rest:
            return self.address("category", type=rest.rpartition(".")[0] or rest)
        if top == "defaults":
            kind = rest.partition(".")[0]
            return self.address("default", kind) if kind in CATEGORIES else self.address("general")
        if top in ("claimants", "missingClaimant", "clearingAccount", "clearingAccounts"):
            return self.address("claimants" if rest and top == "claimants" else "payees")
        if top in ("vatCodes", "costCentres", "projects"):
            return self.address("codes", top)
        if top in TEXTS:
            return self.address("rule", section=top)
        if top in ("header", "line", "counterLine"):
            return self.address("fields")
        return self.address("general" if top in ("counterAccount", "lines") else "categories")


def _part_of(told: Callable[[], dict[str, Any]], name: str) -> Any:
    return told()[name]


def open_room(desk: Desk, key: str) -> Room:
    """Return the mapping of an integration on this desk."""
    return Room(desk, key)
