"""The verbs for editing a mapping (C8, C12): a working copy on the server, versions, saving.

What somebody else has saved meanwhile is never overwritten unseen; each saving is audited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from bilag.core.problem import Problem, Refused
from bilag.delivery.mapping_desk import Checked, MappingDesk, WorkingCopy, too_many_claimants
from bilag.delivery.queue import defer_sync
from bilag.exports.affected import release_held_by_mapping
from bilag.exports.audit import record_change
from bilag.exports.decide import DecisionRefused
from bilag.integrations.mapping_claimants import compare_claimants
from bilag.integrations.mapping_drafts import (
    MappingMoved,
    Outline,
    claimants_at,
    discard_draft,
    draft_claimants,
    lock_draft,
    write_draft,
    write_draft_claimants,
)
from bilag.integrations.model import Integration
from bilag.integrations.runtime import clear_error
from bilag.integrations.store import (
    MappingVersion,
    list_mapping_versions,
    read_mapping,
    save_mapping,
)
from bilag.mapping.dates import TIME_ZONE
from bilag.mapping.document import CLAIMANTS_MAX, DocumentError
from bilag.mapping.parts import (
    Changes,
    Difference,
    Document,
    canonical,
    changed,
    changes_between,
    checked_changes,
    combined,
    differences,
    places,
)

# Of what differs so many claimants are told one by one.
CLAIMANTS_SHOWN = 100
_PLACES_AUDITED = 50


class SavedMeanwhile(DecisionRefused):
    """Another version was saved while somebody was editing; nothing was saved over it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs between two versions; `more_claimants`: not all claimants are listed."""

    old: Outline
    new: Outline
    differences: Sequence[Difference]
    more_claimants: bool


@dataclass(frozen=True, slots=True)
class Behind:
    """What was saved meanwhile beside what is not saved yet; `both` are parts changed in both."""

    working: WorkingCopy
    theirs: Sequence[Difference]
    mine: Sequence[Difference]
    both: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Saved:
    """The version that is in force now, and how many held claims are tried again with it."""

    integration: Integration
    version: int
    released: int


class MappingEditor(MappingDesk):
    """The mapping of each integration, edited in the name of `actor`."""

    def working_copy(self, key: str) -> WorkingCopy:
        """Return the mapping as this editor has it; raises LookupError for an unknown key."""
        with self._scope() as connection:
            return self._copy(connection, key)

    def checked(self, copy: WorkingCopy) -> Checked:
        """Return what is wrong with a working copy."""
        return self.check(copy.integration, copy.document, has_claimants=copy.has_claimants)

    def change(self, key: str, changes: Changes) -> WorkingCopy:
        """Change parts of the working copy; None takes a part out. Nothing is in force until saved.

        Raises Refused naming each place with a wrong shape, LookupError for an unknown key.
        """
        try:
            given = checked_changes(changes)
        except DocumentError as error:
            raise Refused(*error.problems) from None
        claimants = given.pop("claimants", {})
        check_claimants(claimants)
        with self._scope() as connection:
            own, its = self._organization_id, self._integration(connection, key).id
            lock_draft(connection, own, its, self._actor)
            copy = self._copy(connection, key)
            if given:
                wanted = changed(copy.document, given)
                kept = changes_between(copy.base.document, wanted)
                write_draft(connection, own, its, self._actor, copy.base.version, kept)
            if claimants:
                self._keep_claimants(connection, copy, claimants)
            return self._copy(connection, key)

    def discard(self, key: str) -> bool:
        """Forget what this editor has changed; returns whether there was anything."""
        with self._scope() as connection:
            integration = self._integration(connection, key)
            return discard_draft(connection, self._organization_id, integration.id, self._actor)

    def unsaved(self, key: str) -> Behind:
        """Return what this editor has changed, beside what others have saved meanwhile."""
        with self._scope() as connection:
            return self._behind(connection, self._copy(connection, key))

    def put_on_top(self, key: str, version: int) -> WorkingCopy:
        """Put the changes of this editor on top of a version that was saved meanwhile.

        Where both changed the same part, the editor's stands. Raises SavedMeanwhile unless the
        version is the current one.
        """
        with self._scope() as connection:
            own, its = self._organization_id, self._integration(connection, key).id
            lock_draft(connection, own, its, self._actor)
            copy = self._copy(connection, key)
            if version != copy.current.version:
                raise _saved_meanwhile(copy.current)
            if copy.is_behind:
                claimants = draft_claimants(connection, own, its, self._actor)
                wanted = changed(copy.current.document, copy.changes)
                kept = changes_between(copy.current.document, wanted)
                discard_draft(connection, own, its, self._actor)
                write_draft(connection, own, its, self._actor, version, kept)
                if claimants:
                    write_draft_claimants(connection, own, its, self._actor, version, claimants)
            return self._copy(connection, key)

    def save(self, key: str) -> Saved:
        """Make the working copy the current version, and try again what was held by the old one.

        Without changes the current version stays. Raises SavedMeanwhile when another one was saved
        since it was begun (nothing is lost), Refused naming every fault.
        """
        with self._scope() as connection:
            copy = self._copy(connection, key)
            if not copy.is_changed:
                return Saved(copy.integration, copy.current.version, 0)
            if copy.is_behind:
                raise _saved_meanwhile(copy.current)
            saved = self._save(connection, copy, self._full(connection, copy))
            discard_draft(connection, self._organization_id, copy.integration.id, self._actor)
        self._wake(saved)
        return saved

    def replace(self, key: str, document: Mapping[str, Any], base_version: int) -> Saved:
        """Save a whole document in the place of `base_version`; working copies stay as they are.

        Raises SavedMeanwhile when that is not the current version, Refused naming every fault.
        """
        try:
            wanted = canonical(document)
        except DocumentError as error:
            raise Refused(*error.problems) from None
        check_claimants(wanted.get("claimants", {}))
        with self._scope() as connection:
            integration = self._integration(connection, key)
            base = self._outline(connection, integration, integration.mapping_version)
            copy = WorkingCopy(integration, base, base, wanted, {}, 0, None)
            if base_version != base.version:
                raise _saved_meanwhile(base)
            saved = self._save(connection, copy, wanted)
        self._wake(saved)
        return saved

    def current(self, key: str) -> tuple[Outline, Document]:
        """Return the version in force and its whole document."""
        return self.version(key, None)

    def version(self, key: str, version: int | None) -> tuple[Outline, Document]:
        """Return one version (None: the one in force) and its whole document.

        Raises Refused for a version that does not exist, LookupError for an unknown integration.
        """
        with self._scope() as connection:
            integration = self._integration(connection, key)
            wanted = integration.mapping_version if version is None else version
            outline = self._outline(connection, integration, wanted)
            stored = read_mapping(connection, self._organization_id, integration.id, wanted)
        claimants = (stored or {}).get("claimants")
        return outline, {**outline.document, **({"claimants": claimants} if claimants else {})}

    def versions(self, key: str) -> tuple[Integration, list[MappingVersion]]:
        """Return the integration and its versions, newest first."""
        with self._scope() as connection:
            integration = self._integration(connection, key)
            found = list_mapping_versions(connection, self._organization_id, integration.id)
        return integration, found

    def compare(self, key: str, old: int, new: int) -> Compared:
        """Return what differs between two versions; raises Refused for one that does not exist."""
        with self._scope() as connection:
            integration = self._integration(connection, key)
            return self._compared(connection, integration, old, new)

    def restore(self, key: str, version: int, base_version: int) -> Saved:
        """Make an old version's document a new version, in the place of `base_version`.

        Raises as `replace` does; an old document that can no longer be used is refused.
        """
        _, document = self.version(key, version)
        return self.replace(key, document, base_version)

    def _save(
        self, connection: psycopg.Connection[Any], copy: WorkingCopy, document: Document
    ) -> Saved:
        integration, before = copy.integration, copy.base
        found = self.check(integration, document, has_claimants=False)
        if found.faults:
            raise Refused(*found.faults)
        if len(document.get("claimants", ())) > CLAIMANTS_MAX:
            raise too_many_claimants()
        document = canonical(document)
        try:
            version = save_mapping(
                connection, self._organization_id, integration.id, document, self._actor,
                expected=before.version,
            )  # fmt: skip
        except MappingMoved as moved:
            newer = self._outline(connection, integration, moved.version)
            raise _saved_meanwhile(newer) from None
        if version == before.version:
            return Saved(integration, version, 0)
        compared = self._compared(connection, integration, before.version, version)
        told = [".".join(one.place) for one in compared.differences if one.place[0] != "claimants"]
        of_claimants = len(compared.differences) - len(told)
        record_change(
            connection, self._organization_id, self._actor, "mapping.changed",
            f"mapping of {integration.key}",
            {"version": version, "before": before.version, "parts": told[:_PLACES_AUDITED],
             "claimants": of_claimants, "more": compared.more_claimants},
        )  # fmt: skip
        # What stopped it may be mended; each sync looks again before it sends anything.
        if clear_error(connection, integration.id):
            record_change(
                connection, self._organization_id, self._actor, "integration.error_cleared",
                f"integration {integration.key}", {},
            )  # fmt: skip
        released = release_held_by_mapping(
            connection, self._organization_id, integration.id, actor=self._actor
        )
        return Saved(replace(integration, mapping_version=version), version, len(released))

    def _wake(self, saved: Saved) -> None:
        """Ask for a sync where records go on approval; elsewhere they wait for their run."""
        one = saved.integration
        if one.enabled and one.is_route and one.delivery.trigger == "on_approval":
            defer_sync(
                self._queue, self._organization_id, one.id, trigger="approval", actor=self._actor
            )

    def _compared(
        self, connection: psycopg.Connection[Any], integration: Integration, old: int, new: int
    ) -> Compared:
        first = self._outline(connection, integration, old)
        second = self._outline(connection, integration, new)
        rows = compare_claimants(
            connection, self._organization_id, integration.id, old, new, CLAIMANTS_SHOWN + 1
        )
        found = differences(first.document, second.document)
        found += [Difference(("claimants", row[0]), *row[1:]) for row in rows[:CLAIMANTS_SHOWN]]
        return Compared(first, second, found, len(rows) > CLAIMANTS_SHOWN)

    def _behind(self, connection: psycopg.Connection[Any], copy: WorkingCopy) -> Behind:
        own, its = self._organization_id, copy.integration.id
        mine = differences(copy.base.document, copy.document)
        claimants = draft_claimants(connection, own, its, self._actor)
        some = dict(sorted(claimants.items())[:CLAIMANTS_SHOWN])
        known = claimants_at(connection, own, its, copy.base.version, some)
        mine += [
            Difference(("claimants", claimant), known.get(claimant), party)
            for claimant, party in some.items()
        ]
        if not copy.is_behind:
            return Behind(copy, (), mine, ())
        compared = self._compared(
            connection, copy.integration, copy.base.version, copy.current.version
        )
        touched = set(places(combined(copy.changes, {"claimants": claimants})))
        both = [one for one in compared.differences if one.place in touched]
        return Behind(copy, compared.differences, mine, both)


def _saved_meanwhile(newer: Outline) -> SavedMeanwhile:
    at = f"{newer.created_at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}" if newer.created_at else ""
    params = {"version": str(newer.version), "by": newer.created_by, "at": at}
    return SavedMeanwhile(Problem("mapping_moved", "version", params=params))


def check_claimants(claimants: Mapping[str, str | None]) -> None:
    """Refuse e-mail addresses as ids: a claimant is known by the app's id alone (C17)."""
    problems = [
        Problem("claimant_name_like", f"claimants.{claimant}", params={"claimant": claimant})
        for claimant, party in claimants.items()
        if party is not None and "@" in claimant
    ]
    problems += [
        Problem("mapping_party_empty", f"claimants.{claimant}")
        for claimant, party in claimants.items()
        if party == ""
    ]
    if problems:
        raise Refused(*problems)
