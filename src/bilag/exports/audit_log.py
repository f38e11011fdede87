"""The audit log as people read it (O6): attempts to send and changes by people, newest first.

Pages go by keys (time, table, id) and each filter by an index, so none grows with history.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from bilag.core.problem import Problem, Refused
from bilag.mapping.dates import TIME_ZONE

ATTEMPT, CHANGE = "attempt", "change"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID_MAX = 2**63 - 1
# days that people may ask for and every part of the system can tell
_DAY_MIN, _DAY_MAX = date(1990, 1, 1), date(2200, 1, 1)
_KEY = re.compile(r"([ac])([0-9]{1,16})-([0-9]{1,19})")
# Of a claim so many exports are looked at; more generations than this nobody has forced.
_EXPORTS_MAX = 1_000
# A file is read in pages of this size, each in a transaction of its own.
_FILE_PAGE = 1_000


class Key(NamedTuple):
    """Where an entry stands: its time, the table (`a` attempts, `c` changes) and its id there."""

    at: datetime
    table: str
    id: int

    def __str__(self) -> str:
        """Return the key as it stands in addresses: table, microseconds since 1970, id."""
        return f"{self.table}{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Return the key that an address names; raises Refused for one that we did not make."""
        found = _KEY.fullmatch(text)
        if found is None or int(found[3]) > _ID_MAX:
            raise Refused(Problem("cursor_not_valid", "cursor"))
        at = _EPOCH + timedelta(microseconds=int(found[2]))
        return cls(at, found[1], int(found[3]))


def between(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Return the moments at which the first day begins and the last one has ended, in Oslo."""
    return (
        None if first is None else _day_begins(first),
        None if last is None else _day_begins(min(last, _DAY_MAX) + timedelta(days=1)),
    )


def _day_begins(day: date) -> datetime:
    return datetime.combine(min(max(day, _DAY_MIN), _DAY_MAX), time(), TIME_ZONE)


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show: entries from `first` until before `end`, of one type, status, record, user.

    `type` is empty, `attempt`, `change`, or one of these with an event or a topic: `attempt.sent`,
    `change.export`. `status` is the outcome of attempts, `who` a user's name, who makes changes.
    """

    first: datetime | None = None
    end: datetime | None = None
    type: str = ""
    status: str = ""
    record: str = ""
    who: str = ""

    def table(self) -> str:
        """Return the one table that is asked for, or an empty text for both."""
        if self.status:
            return "a"
        if self.who:
            return "c"
        return {ATTEMPT: "a", CHANGE: "c"}.get(self.type.partition(".")[0], "")

    def nothing(self) -> bool:
        """Return whether nothing can fit: no attempt has a user, and no change a status."""
        kind = self.type.partition(".")[0]
        return bool(self.status and (self.who or kind == CHANGE)) or bool(
            self.who and kind == ATTEMPT
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: an attempt to deliver a claim (`event`, `outcome`), or a change and who made it.

    `message` is the accounting system's own, `detail` what a change was; the rest is empty or None
    where it does not apply.
    """

    key: Key
    event: str
    outcome: str = ""
    who: str = ""
    subject: str = ""
    source_id: str = ""
    reference: str = ""
    export_id: int | None = None
    integration_key: str = ""
    integration_name: str = ""
    run_id: UUID | None = None
    attempt: int | None = None
    submission_id: int | None = None
    http_status: int | None = None
    duration_ms: int | None = None
    message: str = ""
    field: str = ""
    line: int | None = None
    link: int = 0
    detail: Mapping[str, Any] | None = None

    @property
    def at(self) -> datetime:
        """Return when it was."""
        return self.key.at

    @property
    def is_attempt(self) -> bool:
        """Return whether this is an attempt to deliver, and not a change by somebody."""
        return self.key.table == "a"


@dataclass(frozen=True, slots=True)
class Content:
    """What was sent with an attempt, and what was answered; empty where nothing is kept."""

    payload: str = ""
    headers: Mapping[str, str] | None = None
    answer: str = ""


_ATTEMPTS = """
SELECT l.at, l.id, l.event, l.outcome, l.source_id, l.reference, l.export_id,
    i.key AS integration_key, i.name AS integration_name, l.run_id, l.attempt, l.submission_id,
    l.http_status, l.duration_ms, l.message, l.field, l.line, l.link
FROM (SELECT * FROM sync_logs WHERE organization_id = current_organization() {where}
      ORDER BY at {order}, id {order} LIMIT %(limit)s) l
JOIN organization_integrations i ON i.id = l.integration_id
ORDER BY l.at {order}, l.id {order}
"""

_CHANGES = """
SELECT at, id, event, actor AS who, subject, detail, link
FROM change_logs WHERE organization_id = current_organization() {where}
ORDER BY at {order}, id {order} LIMIT %(limit)s
"""


def entries(
    connection: psycopg.Connection[Any],
    filters: Filters,
    *,
    older_than: Key | None = None,
    newer_than: Key | None = None,
    limit: int,
) -> list[Entry]:
    """Return entries newest first: those next to a key, on one side of it, or the newest."""
    if filters.nothing():
        return []
    beside = older_than or newer_than
    newer = newer_than is not None and older_than is None
    found: list[Entry] = []
    exports, things = _about(connection, filters.record)
    if filters.table() != "c":
        where, given = _attempt_conditions(filters, beside, newer, exports)
        found += _read(connection, _ATTEMPTS, where, {**given, "limit": limit}, "a", newer)
    if filters.table() != "a":
        where, given = _change_conditions(filters, beside, newer, things)
        found += _read(connection, _CHANGES, where, {**given, "limit": limit}, "c", newer)
    found.sort(key=lambda entry: entry.key, reverse=not newer)
    return found[:limit][::-1] if newer else found[:limit]


def entry(connection: psycopg.Connection[Any], key: Key) -> Entry | None:
    """Return one entry of the organization of the scope, or None."""
    statement = _ATTEMPTS if key.table == "a" else _CHANGES
    where = "AND at = %(at)s AND id = %(id)s"
    given = {"at": key.at, "id": key.id, "limit": 1}
    return next(iter(_read(connection, statement, where, given, key.table, False)), None)


def content(connection: psycopg.Connection[Any], one: Entry) -> Content:
    """Return what was sent with an attempt and what was answered."""
    row = connection.execute(
        "SELECT l.answer, s.body, s.headers FROM sync_logs l"
        " LEFT JOIN submissions s ON s.id = l.submission_id"
        " WHERE l.organization_id = current_organization() AND l.at = %s AND l.id = %s",
        [one.at, one.key.id],
    ).fetchone()
    if row is None:
        return Content()
    # a step that sent nothing names the submission it was about, which is not its own payload
    sent = one.event == "sent"
    return Content(row[1] or "" if sent else "", row[2] if sent else None, row[0])


def every_entry(
    scope: Callable[[], AbstractContextManager[psycopg.Connection[Any]]],
    filters: Filters,
    *,
    page: int = _FILE_PAGE,
) -> Iterator[Sequence[Entry]]:
    """Yield all entries in pages, newest first; `scope()` opens the organization for each page.

    What is logged while this goes on is left out; memory stays flat.
    """
    key: Key | None = None
    while True:
        with scope() as connection:
            found = entries(connection, filters, older_than=key, limit=page)
        if found:
            yield found
        if len(found) < page:
            return
        key = found[-1].key


def _about(
    connection: psycopg.Connection[Any], source_id: str
) -> tuple[list[int] | None, list[str] | None]:
    """Return the exports of a claim, and all that changes may call it; None without a claim."""
    if not source_id:
        return None, None
    rows = connection.execute(
        "SELECT id, source_system FROM exports WHERE organization_id = current_organization()"
        " AND source_id = %s LIMIT %s",
        [source_id, _EXPORTS_MAX],
    ).fetchall()
    return [row[0] for row in rows], things(source_id, dict(rows))


def things(source_id: str, exports: Mapping[int, str]) -> list[str]:
    """Return by which names changes are about a claim: itself, its source, each of its exports."""
    systems = {f"{system}/{source_id}" for system in exports.values()}
    return [f"claim {source_id}", *systems, *(f"export {number}" for number in exports)]


def _attempt_conditions(
    filters: Filters, beside: Key | None, newer: bool, exports: list[int] | None
) -> tuple[str, dict[str, Any]]:
    where, given = _time_conditions(filters, beside, newer, "a")
    event = filters.type.partition(".")[2]
    if filters.status:
        where += " AND outcome = %(status)s"
    if event:
        where += " AND event = %(event)s"
    if exports is not None:
        where += " AND export_id = ANY (%(exports)s)"
    return where, {**given, "status": filters.status, "event": event, "exports": exports}


def _change_conditions(
    filters: Filters, beside: Key | None, newer: bool, named: list[str] | None
) -> tuple[str, dict[str, Any]]:
    where, given = _time_conditions(filters, beside, newer, "c")
    topic = filters.type.partition(".")[2]
    if filters.who:
        where += " AND who = %(who)s"
    if topic:
        where += " AND topic = %(topic)s"
    if named is not None:
        where += " AND id = ANY (ARRAY(SELECT id FROM changes_about(%(things)s)))"
    return where, {**given, "who": filters.who, "topic": topic, "things": named}


def _time_conditions(
    filters: Filters, beside: Key | None, newer: bool, table: str
) -> tuple[str, dict[str, Any]]:
    where = ""
    given: dict[str, Any] = {"first": filters.first, "end": filters.end}
    if filters.first is not None:
        where += " AND at >= %(first)s"
    if filters.end is not None:
        where += " AND at < %(end)s"
    if beside is not None:
        # Entries of one time are ordered by table, then by id.
        same = beside.id if beside.table == table else _ID_MAX if beside.table > table else 0
        where += f" AND (at, id) {'>' if newer else '<'} (%(beside_at)s, %(beside_id)s)"
        given |= {"beside_at": beside.at, "beside_id": same}
    return where, given


def _read(
    connection: psycopg.Connection[Any],
    statement: str,
    where: str,
    given: Mapping[str, Any],
    table: str,
    newer: bool,
) -> list[Entry]:
    cursor = connection.cursor(row_factory=dict_row)
    text = statement.format(where=where, order="ASC" if newer else "DESC")
    # planned anew each time: the indexes of what is rare are found by the values that are asked for
    cursor.execute(text.encode(), given, prepare=False)
    return [
        Entry(key=Key(row.pop("at").astimezone(UTC), table, row.pop("id")), **row)
        for row in cursor.fetchall()
    ]
