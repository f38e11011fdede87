"""Judges the notes of retention (O6, X7): whether what they excuse is what retention takes out.

Whoever can append to the log can write such a note; what else is known must not speak against it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from bilag.core.clock import utc_now
from bilag.exports.anchors import Anchor
from bilag.exports.retention import DAYS_IN_OSLO, YEARS_MIN
from bilag.mapping.dates import TIME_ZONE

# Clocks of several machines may differ by so much, and a set may be under way when one is read.
_SLACK = timedelta(days=1)
# No note of retention speaks of years before any accounting by computer.
_YEAR_MIN = 1900

_NOTES = """
SELECT link, at, actor, event, detail FROM change_logs
WHERE organization_id = current_organization() AND topic = 'retention'
    AND event IN ('retention.erased', 'retention.changed') ORDER BY link
"""
# What stands in the links up to one: all rows, and those of links that no note before spoke of.
_HELD = """
SELECT coalesce(sum(rows) FILTER (WHERE source = 'sync_logs'), 0),
    coalesce(sum(rows) FILTER (WHERE source = 'sync_logs' AND link > %(noted)s), 0),
    coalesce(sum(rows) FILTER (WHERE source = 'change_logs'), 0),
    coalesce(sum(rows) FILTER (WHERE source = 'change_logs' AND link > %(noted)s), 0)
FROM audit_links WHERE organization_id = current_organization() AND link <= %(through)s
"""
_YOUNG = """
SELECT least(
    (SELECT min(link) FROM sync_logs WHERE organization_id = current_organization()
        AND at >= %(before)s AND link <= %(through)s),
    (SELECT min(link) FROM change_logs WHERE organization_id = current_organization()
        AND at >= %(before)s AND link <= %(through)s))
"""
# A stop leaves the newest attempts, by whole months or by time, and no change goes before they did:
# a link without rows after one with rows was not taken out by retention.
_GAP = """
WITH there AS (
    SELECT link, min(at) AS at FROM sync_logs WHERE organization_id = current_organization()
        AND link > %(noted)s AND link <= %(through)s GROUP BY 1
    UNION ALL
    SELECT link, at FROM change_logs WHERE organization_id = current_organization()
        AND link > %(noted)s AND link <= %(through)s
), known AS (
    SELECT link, l.source, t.at, max(t.at) OVER before AS older, min(t.at) OVER after AS newer
    FROM audit_links l LEFT JOIN there t USING (link)
    WHERE l.organization_id = current_organization() AND EXISTS (SELECT FROM there)
        AND link > %(noted)s AND link <= %(through)s
    WINDOW before AS (PARTITION BY l.source ORDER BY link),
        after AS (PARTITION BY l.source ORDER BY link DESC)
)
SELECT min(link) FROM known WHERE at IS NULL AND CASE source
    WHEN 'change_logs' THEN older IS NOT NULL
        OR EXISTS (SELECT FROM known k WHERE k.source = 'sync_logs' AND k.at IS NOT NULL)
    ELSE date_trunc('month', older, 'UTC') = date_trunc('month', newer, 'UTC') END
"""


@dataclass(slots=True)
class Erasure:
    """A note that says up to which link rows were taken out; `fault` is a code where it is untrue.

    `witness` is the link that shows it.
    """

    link: int
    at: datetime
    actor: str
    through: int = 0
    before: date = date.max
    attempts: int = 0
    changes: int = 0
    fault: str = ""
    witness: int = 0


def erasures(connection: psycopg.Connection[Any], anchors: Sequence[Anchor]) -> list[Erasure]:
    """Return what the notes of the organization of the scope say, judged, in their order.

    `anchors` are those that agree with the chain.
    """
    connection.execute(DAYS_IN_OSLO)
    found = list(_notes(connection))
    noted = 0
    for one in found:
        if not one.fault:
            _hold_against(connection, one, noted, anchors)
        if not one.fault:
            noted = max(noted, one.through)
    noted = 0
    for one in sorted((one for one in found if not one.fault), key=lambda one: one.through):
        one.witness = _value(connection, _GAP, noted=noted, through=one.through)
        one.fault = "audit_erased_gap" if one.witness else ""
        noted = one.through
    return found


def _notes(connection: psycopg.Connection[Any]) -> Iterator[Erasure]:
    """Yield the notes, those judged already that cannot be of retention by what they say."""
    years = YEARS_MIN
    for link, at, actor, event, detail in connection.execute(_NOTES).fetchall():
        if event == "retention.changed":
            years = _years(detail, years)
            continue
        one = Erasure(link, at, actor)
        try:
            one.through, one.before = int(detail["throughLink"]), _day(detail["before"])
            one.attempts, one.changes = int(detail["attempts"]), int(detail["changes"])
        except (KeyError, TypeError, ValueError, OverflowError):
            one.fault = "audit_erased_unclear"
        day = at.astimezone(TIME_ZONE).date()
        if one.fault or not 0 <= one.through < link or at > utc_now() + _SLACK:
            one.fault = "audit_erased_unclear"
        elif (day.year - years, day.month, day.day) < (
            one.before.year, one.before.month, one.before.day,
        ):  # fmt: skip
            one.fault = "audit_erased_early"
        yield one


def _hold_against(
    connection: psycopg.Connection[Any], one: Erasure, noted: int, anchors: Sequence[Anchor]
) -> None:
    """Hold a note against the rows that are left, the anchors, and what its links held."""
    # an anchor of an idle day may name an old link: only what came after its link is younger
    after = [
        anchor.link + 1
        for anchor in anchors
        if anchor.link < one.through and anchor.at - _SLACK >= _midnight(one.before)
    ]
    young = _value(connection, _YOUNG, before=one.before, through=one.through)
    one.witness = min([*after, *([young] if young else [])], default=0)
    if one.witness:
        one.fault = "audit_erased_young"
        return
    given = {"noted": noted, "through": one.through}
    ((attempts, new_attempts, changes, new_changes),) = connection.execute(_HELD, given).fetchall()
    if not (new_attempts <= one.attempts <= attempts and new_changes <= one.changes <= changes):
        one.fault = "audit_erased_counts"


def _value(connection: psycopg.Connection[Any], query: str, **given: object) -> int:
    ((value,),) = connection.execute(query.encode(), given).fetchall()
    return int(value or 0)


def _years(detail: Any, years: int) -> int:
    """Return how long is kept after a change of the rules; nonsense changes nothing."""
    try:
        return max(YEARS_MIN, int(detail["after"]["years"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return years


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.year < _YEAR_MIN:
        raise ValueError(text)
    return day


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=TIME_ZONE).astimezone(UTC)
