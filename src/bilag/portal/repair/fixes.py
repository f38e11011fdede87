"""Where a cause is mended: the page of the code, type, claimant, period or credential behind it.

An administrator is led to the form, an accountant to the page on which it can be read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bilag.core.problem import Problem
from bilag.portal.scope import Desk

Document = Mapping[str, Any]
# our name of a field -> (table of codes, key of a posting and of a record)
_CODES = {
    "cost_centre": ("costCentres", "costCentre"),
    "project": ("projects", "project"),
    "vat_code": ("vatCodes", "vatCode"),
}
_TABLE_OF_CODE = {
    "cost_centre_not_mapped": "costCentres",
    "project_not_mapped": "projects",
    "vat_code_not_mapped": "vatCodes",
}
_OF_FIELDS = ("field_required", "field_too_long", "value_not_in_table", "value_not_a_date",
              "value_not_a_number", "cannot_be_built")  # fmt: skip
# by which rule a refused value was sent
_ORIGIN_TABLE = gettext_lazy("the mapping's table makes it of the app's code %(code)s")
_ORIGIN_CLAIM = gettext_lazy("the claim has %(code)s, and no row of the mapping's table changes it")
_ORIGIN_TYPE = gettext_lazy("the mapping gives it to the expense type %(type)s")
_TOKEN = re.compile(r"[\w][\w./-]*\w|\w")
# More than this nobody reads; the list of expense types has the others.
_FIXES_MAX = 5


@dataclass(frozen=True, slots=True)
class Fix:
    """A page on which something is mended, and what the link to it says."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A value that the accounting system did not take, and the rule by which it was sent."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What keeps a claim: the problem, in which integration, with its mapping and the record."""

    desk: Desk
    key: str
    problem: Problem
    document: Document
    record: Mapping[str, Any]

    def fixes(self) -> list[Fix]:
        """Return the pages on which this is mended, the likeliest first; none where no page can."""
        return list(dict.fromkeys(self._fixes()))[:_FIXES_MAX]

    def origins(self) -> list[Origin]:
        """Return which value was refused and by which rule it was sent, as far as can be told."""
        if self.problem.code not in ("refused", "refused_and_left"):
            return []
        if self.problem.field == "account":
            return self._given_by_types("account", self._said)
        if self.problem.field not in _CODES:
            return []
        table, name = _CODES[self.problem.field]
        codes = self.document.get(table, {}).get("codes", {})
        given = sorted(self._given(name))
        sent = {one: codes.get(one, one) for one in given} | codes
        # where the system's words do not name the value, it is what this claim's codes became
        ours = [one for one, theirs in sent.items() if theirs in self._said] or given
        told = [
            Origin(sent[one], (_ORIGIN_TABLE if one in codes else _ORIGIN_CLAIM) % {"code": one})
            for one in ours
        ]
        return [*told, *self._given_by_types(name, self._said)][:_FIXES_MAX]

    def _given_by_types(self, name: str, said: set[str]) -> list[Origin]:
        categories = self.document.get("categories", {})
        return [
            Origin(categories[kind][name], _ORIGIN_TYPE % {"type": kind})
            for kind in self._types_with(name, said)
        ]

    @property
    def _said(self) -> set[str]:
        return set(_TOKEN.findall(self.problem.params.get("message", "")))

    def _given(self, name: str) -> set[str]:
        given = {self.record.get(name)} | {
            line.get(name) for line in self.record.get("lines") or ()
        }
        return {str(one) for one in given if one}

    def _fixes(self) -> Iterator[Fix]:
        code = self.problem.code
        if code in ("refused", "refused_and_left"):
            yield from self._refused()
        elif code.startswith("period_closed"):
            yield from self._period(code)
        else:
            yield from self._of_mapping(code)
            yield from self._of_settings(code)

    def _of_mapping(self, code: str) -> Iterator[Fix]:
        params = self.problem.params
        if code in _TABLE_OF_CODE:
            yield self._code(_TABLE_OF_CODE[code], params.get("code", ""))
        elif code in ("type_not_mapped", "counter_account_missing"):
            yield self._type(params.get("type", ""))
        elif code == "vat_not_carried":
            yield self._codes("vatCodes")
        elif code == "claimant_not_mapped":
            yield self._claimant(params.get("claimant", ""))
        elif code == "clearing_account_missing":
            yield self._page(_("What becomes of claimants without a party"), "payees", "claimants")
        elif code in _OF_FIELDS:
            yield self._field(params.get("name", ""))

    def _of_settings(self, code: str) -> Iterator[Fix]:
        if code.startswith("declaration"):
            yield self._place(_("The confidentiality declaration"), "sending:declaration")
        elif code in ("filter_date_missing", "filter_amount_unknown") and self._edits:
            yield self._place(_("Included data"), "sending:data", self.key)
        elif code in ("rounding_account", "two_accounting_years") and self._edits:
            yield self._place(_("The configuration file"), "sending:configuration")
        elif code == "waits_for_approval":
            yield self._place(_("Forced exports that wait for approval"), "repair:approvals")
        elif code in ("gave_up", "still_staged"):
            yield self._integration()

    def _refused(self) -> Iterator[Fix]:
        """Yield where the field is filled that the accounting system named, by its message."""
        field, said = self.problem.field, self._said
        if field in _CODES:
            yield from self._refused_code(*_CODES[field], said)
        elif field == "account":
            yield from self._refused_account(said)
        elif field == "party":
            claimant = (self.record.get("claimant") or {}).get("id", "")
            yield self._claimant(claimant)
        elif field == "posting_date":
            yield self._place(_("Closed periods"), "sending:periods")
        elif field == "voucher_number" and self._edits:
            yield self._place(_("The configuration file"), "sending:configuration")
        elif field not in ("", "amount", "currency", "reference", "voucher_number"):
            yield self._field(field)
        elif not field:
            yield self._page(_("The mapping of expense types"), "categories", "categories")

    def _refused_code(self, table: str, name: str, said: set[str]) -> Iterator[Fix]:
        codes = self.document.get(table, {}).get("codes", {})
        mapped = [ours for ours, theirs in codes.items() if theirs in said]
        yield from (self._code(table, ours) for ours in mapped)
        yield from (self._type(kind) for kind in self._types_with(name, said))
        yield from (self._code(table, one) for one in sorted(self._given(name)) if one in said)
        yield self._codes(table)

    def _refused_account(self, said: set[str]) -> Iterator[Fix]:
        yield from (self._type(kind) for kind in self._types_with("account", said))
        yield from (self._type(kind) for kind in self._types_with("counterAccount", said))
        if self.document.get("counterAccount") in said:
            yield self._page(_("The counter-account of the mapping"), "general", "categories")
        clearing = {self.document.get("clearingAccount")}
        clearing |= set(self.document.get("clearingAccounts", {}).values())
        if clearing & said:
            yield self._page(_("What becomes of claimants without a party"), "payees", "claimants")
        for kind, posting in self.document.get("defaults", {}).items():
            if posting.get("account") in said:
                yield self._page(
                    _("What is posted where the expense type says nothing"), "default",
                    "categories", kind,
                )  # fmt: skip
        yield self._page(_("The mapping of expense types"), "categories", "categories")

    def _types_with(self, name: str, said: set[str]) -> list[str]:
        categories = self.document.get("categories", {})
        return sorted(kind for kind, posting in categories.items() if posting.get(name) in said)

    def _period(self, code: str) -> Iterator[Fix]:
        if code in ("period_closed_ask", "period_closed_wait") and self._edits:
            yield self._place(_("Decide about claims in a closed period"), "sending:decide")
        yield self._place(_("Closed periods"), "sending:periods")

    @property
    def _edits(self) -> bool:
        return self.desk.role == "admin"

    def _type(self, kind: str) -> Fix:
        label = _("Expense type %(type)s") % {"type": kind}
        return self._page(label, "category", "categories", type=kind)

    def _code(self, table: str, code: str) -> Fix:
        labels = {
            "costCentres": _("Cost centre %(code)s"),
            "projects": _("Project %(code)s"),
            "vatCodes": _("VAT code %(code)s"),
        }
        if not self._edits:
            return self._codes(table)
        return self._page(labels[table] % {"code": code}, "code", "codes", table, code=code)

    def _codes(self, table: str) -> Fix:
        labels = {
            "costCentres": _("All cost centres"),
            "projects": _("All projects"),
            "vatCodes": _("All VAT codes"),
        }
        return self._place(labels[table], "mapping:codes", self.key, table)

    def _claimant(self, claimant: str) -> Fix:
        if not claimant:
            return self._page(_("Claimants"), "claimants", "claimants")
        label = _("Claimant %(id)s") % {"id": claimant}
        return self._page(label, "claimant", "claimants", claimant=claimant)

    def _field(self, name: str) -> Fix:
        for section in ("header", "line", "counterLine"):
            if name and name in self.document.get(section, {}):
                label = _("Field %(name)s") % {"name": name}
                return self._page(label, "rule", "fields", section=section, name=name)
        return self._page(_("The fields of the mapping"), "fields", "fields")

    def _integration(self) -> Fix:
        return self._place(
            _("The integration and its credentials"), "integrations:overview", self.key
        )

    def _page(self, label: str, form: str, reading: str, *parts: str, **query: str) -> Fix:
        """Return a page of the mapping: the form, or what an accountant may read instead."""
        if self._edits:
            return self._place(label, f"mapping:{form}", self.key, *parts, **query)
        return self._place(label, f"mapping:{reading}", self.key)

    def _place(self, label: str, page: str, *parts: str, **query: str) -> Fix:
        address = reverse(page, args=[self.desk.organization.slug, *parts])
        return Fix(label, f"{address}?{urlencode(query)}" if query else address)
