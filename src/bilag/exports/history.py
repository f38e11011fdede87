"""Everything that ever happened to one claim, in the order in which it happened.

Put together from what each room keeps; nothing is inferred that was not written down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bilag.exports.audit_log import Content, Entry, Filters, content, entries
from bilag.exports.status import ExportRow, export_by_id, exports_of_claims
from bilag.records.revisions import StoredRevision, list_revisions

# A claim that was followed for months may have more; the page says so and leads to the audit log.
STEPS_MAX = 300


class Step(NamedTuple):
    """One thing that happened: `kind` is approved, received, withdrawn, opened, mapped, attempt,
    change or booked; the fields that say more about it are set, the others are None.
    """

    at: datetime
    kind: str
    export: ExportRow | None = None
    entry: Entry | None = None
    revision: StoredRevision | None = None
    mapping_version: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One export with all of its claim: generations, the record as approved, and the steps.

    `sent` is what went out last and what was answered; `earlier` says that the first steps of a
    long story are left out.
    """

    export: ExportRow
    exports: Sequence[ExportRow]
    record: Mapping[str, Any]
    steps: Sequence[Step]
    sent: Content = field(default_factory=Content)
    sent_entry: Entry | None = None
    earlier: bool = False


_RECORD = """
SELECT r.content FROM exports e JOIN records r ON r.id = e.record_id
WHERE e.organization_id = current_organization() AND e.id = %s
"""

_MAPPED = "SELECT id, created_at, mapping_version FROM submissions WHERE id = ANY (%s)"


def story(
    connection: psycopg.Connection[Any], organization_id: UUID, export_id: int
) -> Story | None:
    """Return the story of an export's claim, or None when there is no such export."""
    export = export_by_id(connection, export_id)
    if export is None:
        return None
    exports = [
        row
        for row in exports_of_claims(connection, [export.source_id])
        if row.source_system == export.source_system
    ]
    ids = {row.id: row for row in exports}
    logged = entries(connection, Filters(record=export.source_id), limit=STEPS_MAX + 1)
    own = [one for one in logged if one.export_id is None or one.export_id in ids]
    steps = [Step(one.at, "attempt" if one.is_attempt else "change",
                  ids.get(one.export_id or 0), one) for one in own[:STEPS_MAX]]  # fmt: skip
    steps += [Step(row.created_at, "opened", row) for row in exports]
    steps += [Step(row.exported_at, "booked", row) for row in exports if row.exported_at]
    steps += _received(connection, organization_id, export)
    steps += _mapped(connection, own, ids)
    record = connection.execute(_RECORD, [export_id]).fetchone()
    last = next((one for one in own if one.event == "sent" and one.export_id == export.id), None)
    return Story(
        export,
        exports,
        record[0] if record else {},
        sorted(steps, key=lambda step: (step.at, _ORDER.index(step.kind))),
        content(connection, last) if last else Content(),
        last,
        len(logged) > STEPS_MAX,
    )


# What happens within one transaction has one time; this is the order in which people think of it.
_ORDER = ("approved", "received", "withdrawn", "opened", "mapped", "change", "attempt", "booked")


def _received(
    connection: psycopg.Connection[Any], organization_id: UUID, export: ExportRow
) -> list[Step]:
    found: list[Step] = []
    for one in list_revisions(connection, organization_id, export.source_id, export.source_system):
        found.append(Step(one.approved_at, "approved", revision=one))
        found.append(Step(one.received_at, "received", revision=one))
        if one.withdrawn_at is not None:
            found.append(Step(one.withdrawn_at, "withdrawn", revision=one))
    return found


def _mapped(
    connection: psycopg.Connection[Any], logged: Sequence[Entry], exports: Mapping[int, ExportRow]
) -> list[Step]:
    of = {one.submission_id: exports.get(one.export_id or 0) for one in logged if one.submission_id}
    rows = connection.execute(_MAPPED, [list(of)]).fetchall()
    return [Step(at, "mapped", of[number], mapping_version=version) for number, at, version in rows]
