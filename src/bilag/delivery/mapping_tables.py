"""The verbs for the large tables of a mapping: expense types (C9) and claimants (C17).

Types come from what was counted when records arrived; claimants are paged by the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bilag.delivery.claimants_csv import read_claimants, write_claimants
from bilag.delivery.mapping_desk import MappingDesk, Suggested, WorkingCopy
from bilag.delivery.mapping_editor import check_claimants
from bilag.exports.affected import WaitingFor, waiting_for
from bilag.integrations.mapping_claimants import (
    PAGE,
    ClaimantPage,
    claimant_page,
    every_claimant,
)
from bilag.integrations.mapping_drafts import (
    claimants_at,
    draft_claimants,
    lock_draft,
)
from bilag.records.types import seen_types

SUGGESTIONS_MAX = 20
# What is suggested for each field of a posting: lists as connectors call them.
SUGGESTED: Mapping[str, tuple[str, ...]] = {
    "account": ("accounts",),
    "counterAccount": ("accounts",),
    "vatCode": ("vat_codes",),
    "costCentre": ("cost_centres",),
    "project": ("projects",),
    "party": ("suppliers", "vendors", "employees"),
}
_WORD_MIN = 3


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One expense type: where it is posted, on how many records it came in, how many are held.

    `posting` None: it is in no row of the mapping. `by_default`: the default account of each of its
    kinds of record takes it. `example` is a claim that is held for it.
    """

    type: str
    kinds: tuple[str, ...]
    records: int
    waiting: int
    example: str
    posting: Mapping[str, str] | None
    by_default: bool
    changed: bool

    @property
    def is_open(self) -> bool:
        """Return whether nothing says where it is posted."""
        return self.posting is None and not self.by_default


@dataclass(frozen=True, slots=True)
class TypePage:
    """One page of expense types, those that nothing covers first."""

    working: WorkingCopy
    rows: Sequence[TypeRow]
    matching: int
    open: int
    after: str | None


@dataclass(frozen=True, slots=True)
class UsedCode:
    """A code that the mapping uses already; `name` says for what."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a CSV of claimants; nothing is in force until the mapping is saved."""

    added: int
    changed: int
    same: int


class MappingTables(MappingDesk):
    """Expense types and claimants in the working copies of `actor`."""

    def types(self, key: str, *, search: str = "", after: str = "", limit: int = PAGE) -> TypePage:
        """Return expense types that were seen or are mapped: what is open first, then by name.

        `after` is the last type of the page before. Raises LookupError for an unknown key.
        """
        with self._scope() as connection:
            copy = self._copy(connection, key)
            rows = self._type_rows(connection, copy)
        wanted = search.strip().lower()
        found = [row for row in rows if wanted in row.type.lower()] if wanted else rows
        start = next((n for n, row in enumerate(found, 1) if row.type == after), 0) if after else 0
        page = found[start : start + limit]
        more = len(found) > start + limit
        return TypePage(
            copy, page, len(found), sum(row.is_open for row in rows),
            page[-1].type if more else None,
        )  # fmt: skip

    def claimants(
        self, key: str, *, search: str = "", after: str = "", limit: int = PAGE
    ) -> tuple[WorkingCopy, ClaimantPage]:
        """Return a page of claimants by id, whose id or party contains the search."""
        with self._scope() as connection:
            copy = self._copy(connection, key)
            page = claimant_page(
                connection, self._organization_id, copy.integration.id, copy.base.version,
                self._actor, search=search, after=after, limit=limit,
            )  # fmt: skip
        return copy, page

    def claimant(self, key: str, claimant: str) -> str | None:
        """Return the party of one claimant in the working copy, or None."""
        with self._scope() as connection:
            copy = self._copy(connection, key)
            own, its = self._organization_id, copy.integration.id
            changes = draft_claimants(connection, own, its, self._actor)
            if claimant in changes:
                return changes[claimant]
            base = claimants_at(connection, own, its, copy.base.version, {claimant: None})
            return base.get(claimant)

    def waiting_claimants(self, key: str) -> list[WaitingFor]:
        """Return the claimants that held claims wait for, those of most claims first.

        Those that the working copy has by now are left out.
        """
        with self._scope() as connection:
            own, its = self._organization_id, self._integration(connection, key).id
            found = waiting_for(connection, its, "claimant_not_mapped", "claimant")
            kept = draft_claimants(connection, own, its, self._actor)
        return [one for one in found if not kept.get(one.value)]

    def import_claimants(self, key: str, text: str, file: str) -> Imported:
        """Add and change claimants from a CSV; those that it does not name stay as they are.

        Raises Refused naming every bad line, or for more than a mapping holds; then nothing is
        changed.
        """
        given = read_claimants(text, file)
        check_claimants(given)
        with self._scope() as connection:
            own, its = self._organization_id, self._integration(connection, key).id
            lock_draft(connection, own, its, self._actor)
            copy = self._copy(connection, key)
            before: dict[str, str | None] = {
                **claimants_at(connection, own, its, copy.base.version, given),
                **draft_claimants(connection, own, its, self._actor),
            }
            self._keep_claimants(connection, copy, given)
        same = sum(before.get(claimant) == party for claimant, party in given.items())
        added = sum(before.get(claimant) is None for claimant in given)
        return Imported(added, len(given) - same - added, same)

    def export_claimants(self, key: str) -> str:
        """Return the claimants of the working copy as a CSV that is safe from formulas."""
        with self._scope() as connection:
            copy = self._copy(connection, key)
            return write_claimants(
                every_claimant(
                    connection, self._organization_id, copy.integration.id, copy.base.version,
                    self._actor,
                )
            )  # fmt: skip

    def suggestions(self, key: str, what: str, text: str) -> Sequence[Suggested]:
        """Return codes that fit a text, for one of SUGGESTED: by code, by name or by a word of it.

        They come from the lists read of the system, else from what the mapping uses already.
        """
        with self._scope() as connection:
            copy = self._copy(connection, key)
            found = self._listed(connection, copy, what, text)
            for word in text.split() if not found else ():
                if len(word) >= _WORD_MIN:
                    found += self._listed(connection, copy, what, word)
        found += _used(copy.document, what, text)
        return list({one.code: one for one in reversed(found)}.values())[::-1][:SUGGESTIONS_MAX]

    def ledger_codes(self, key: str, what: str) -> Sequence[Suggested]:
        """Return the first codes of one of SUGGESTED that the system listed, if it was read."""
        with self._scope() as connection:
            return self._listed(connection, self._copy(connection, key), what, "")

    def _listed(
        self, connection: psycopg.Connection[Any], copy: WorkingCopy, what: str, text: str
    ) -> list[Suggested]:
        if self._suggest is None:
            return []
        own, its = self._organization_id, copy.integration.id
        found: list[Suggested] = []
        for kind in SUGGESTED.get(what, ()):
            found += self._suggest(connection, own, its, kind, text)
        return found

    def _type_rows(self, connection: psycopg.Connection[Any], copy: WorkingCopy) -> list[TypeRow]:
        postings: Mapping[str, Any] = copy.document.get("categories", {})
        touched = copy.changes.get("categories", {})
        defaults = copy.document.get("defaults", {})
        covered = {kind for kind, posting in defaults.items() if posting.get("account")}
        kinds: dict[str, list[str]] = {}
        records: dict[str, int] = {}
        for seen in seen_types(connection, self._organization_id):
            if seen.category in copy.integration.filters.categories:
                kinds.setdefault(seen.type, []).append(seen.category)
                records[seen.type] = records.get(seen.type, 0) + seen.records
        waiting = {
            one.value: one
            for one in waiting_for(connection, copy.integration.id, "type_not_mapped", "type")
        }
        rows = [
            TypeRow(
                type_, tuple(kinds.get(type_, ())), records.get(type_, 0),
                waiting[type_].records if type_ in waiting else 0,
                waiting[type_].source_id if type_ in waiting else "",
                postings.get(type_),
                type_ in kinds and covered.issuperset(kinds[type_]),
                type_ in touched,
            )
            for type_ in {**kinds, **postings, **waiting}
        ]  # fmt: skip
        return sorted(rows, key=_order)


def _order(row: TypeRow) -> tuple[bool, int, int, str]:
    if row.is_open:
        return False, -row.waiting, -row.records, row.type
    return True, 0, 0, row.type


def _used(document: Mapping[str, Any], what: str, text: str) -> list[Suggested]:
    wanted = text.strip().lower()
    uses: dict[str, list[str]] = {}
    for type_, posting in document.get("categories", {}).items():
        if code := posting.get(what):
            uses.setdefault(code, []).append(type_)
    return [
        UsedCode(code, ", ".join(types[:_WORD_MIN]))
        for code, types in sorted(uses.items())
        if code.lower().startswith(wanted) or any(wanted in type_.lower() for type_ in types)
    ]
