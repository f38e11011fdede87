"""O4: what keeps claims from being sent, grouped by cause, and the claims behind each cause.

Only claims that are failed or held are read, by their index, and no more than LOOKED_AT_MAX of
them: nothing here grows with history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bilag.core.problem import Problem, problems_of
from bilag.exports.status import COLUMNS, ExportRow

# The oldest ones; a count is then a lower bound, and the others show once these are mended.
LOOKED_AT_MAX = 5_000
GROUPED_STATES = ("failed", "held")
# How a cause is named of which nothing was noted.
NO_REASON = "none"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause in one integration: its key, what is wrong, how many claims it keeps, their sums.

    `problem` is None where no reason was noted; it and `record` are of the claim `export_id`, the
    oldest. `alone` counts the claims that nothing else keeps: a fix releases these.
    """

    key: str
    integration_id: UUID
    integration_key: str
    integration_name: str
    count: int
    alone: int
    sums: Mapping[str, Decimal]
    export_id: int
    source_id: str
    problem: Problem | None
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Causes:
    """A page of causes, those of most claims first; `total` counts causes, `claims` claims.

    `is_all` is false where more claims wait than were looked at.
    """

    page: Sequence[Cause]
    total: int
    claims: int
    is_all: bool


# By the index on listed_as, or on who has to act, and never by a count of history.
_LOOKED_AT = f"""
looked AS MATERIALIZED (
    SELECT e.id, e.integration_id, e.currency, e.amount,
        coalesce(e.causes, '{{{NO_REASON}}}') AS causes
    FROM exports e
    WHERE e.organization_id = current_organization() AND e.listed_as = %(state)s AND e.for_person
      AND (%(integration)s::uuid IS NULL OR e.integration_id = %(integration)s)
    ORDER BY e.id LIMIT %(most)s
), named AS MATERIALIZED (
    SELECT DISTINCT l.id, l.integration_id, l.currency, l.amount, c.cause,
        l.causes[1] = ALL (l.causes) AS alone
    FROM looked l CROSS JOIN LATERAL unnest(l.causes) AS c (cause)
), groups AS MATERIALIZED (
    SELECT integration_id, cause, count(*) AS claims, count(*) FILTER (WHERE alone) AS alone,
        min(id) AS oldest
    FROM named WHERE (%(cause)s::text IS NULL OR cause = %(cause)s) GROUP BY 1, 2
)"""

_CAUSES = f"""
WITH {_LOOKED_AT}, page AS (
    SELECT * FROM groups ORDER BY claims DESC, oldest OFFSET %(skip)s LIMIT %(limit)s
), sums AS (
    SELECT integration_id, cause, jsonb_object_agg(currency, amount::text) AS sums FROM (
        SELECT n.integration_id, n.cause, n.currency, sum(n.amount) AS amount
        FROM named n JOIN page USING (integration_id, cause) GROUP BY 1, 2, 3) s
    GROUP BY 1, 2
)
SELECT p.cause, p.integration_id, i.key, i.name, p.claims, p.alone, s.sums, p.oldest, e.source_id,
    e.reason, e.causes, r.content, (SELECT count(*) FROM groups), (SELECT count(*) FROM looked)
FROM page p JOIN sums s USING (integration_id, cause)
JOIN organization_integrations i ON i.id = p.integration_id
JOIN exports e ON e.organization_id = current_organization() AND e.id = p.oldest
JOIN records r ON r.organization_id = e.organization_id AND r.id = e.record_id
ORDER BY p.claims DESC, p.oldest
"""


def causes(
    connection: psycopg.Connection[Any],
    state: str,
    *,
    integration_id: UUID | None = None,
    cause: str | None = None,
    skip: int = 0,
    limit: int = 50,
) -> Causes:
    """Return why claims are failed or held, those of most claims first, or one cause by its key.

    A claim that several things keep counts under each. Raises ValueError for another state.
    """
    if state not in GROUPED_STATES:
        raise ValueError(f"claims are grouped while {' or '.join(GROUPED_STATES)}, not {state}")
    rows = connection.execute(
        _CAUSES.encode(),
        {"state": state, "integration": integration_id, "cause": cause, "skip": skip,
         "limit": limit, "most": LOOKED_AT_MAX + 1},
        prepare=False,  # the values decide which index is right
    ).fetchall()  # fmt: skip
    total, looked_at = rows[0][12:] if rows else (0, 0)
    return Causes([_cause(row) for row in rows], total, looked_at, looked_at <= LOOKED_AT_MAX)


def _cause(row: tuple[Any, ...]) -> Cause:
    key, integration, name, called, count, alone, sums, oldest, source_id, reason, keys, record = (
        row[:12]
    )
    return Cause(
        key, integration, name, called, count, alone,
        {currency: Decimal(amount) for currency, amount in sorted(sums.items())}, oldest, source_id,
        _problem(reason, keys, key), record,
    )  # fmt: skip


def _problem(reason: dict[str, Any] | None, keys: Sequence[str] | None, key: str) -> Problem | None:
    """Return the problem of a stored reason that has this key; keys stand in its order."""
    if not keys or key not in keys:
        return None
    return problems_of(reason)[keys.index(key)]


# Not materialized: the scan ends with the last claim of the page.
_CLAIMS = """
WITH looked AS (
    SELECT e.id, e.integration_id, e.causes FROM exports e
    WHERE e.organization_id = current_organization() AND e.listed_as = %(state)s AND e.for_person
      AND e.integration_id = %(integration)s AND e.id > %(after)s
    ORDER BY e.id LIMIT %(most)s
)
"""


def claims_kept_by(
    connection: psycopg.Connection[Any],
    state: str,
    cause: str,
    *,
    integration_id: UUID,
    after: int = 0,
    limit: int,
) -> list[ExportRow]:
    """Return claims that a cause keeps in one integration, oldest first, with ids above `after`.

    Keyset pages; of each page no more than LOOKED_AT_MAX waiting claims are looked at.
    """
    rows = connection.execute(
        (_CLAIMS + COLUMNS + """
        WHERE e.organization_id = current_organization() AND e.id = ANY (ARRAY(
            SELECT l.id FROM looked l WHERE %(cause)s = ANY (coalesce(l.causes, %(nothing)s))
            ORDER BY l.id LIMIT %(limit)s))
        ORDER BY e.id""").encode(),
        {"state": state, "integration": integration_id, "cause": cause, "after": after,
         "limit": limit, "most": LOOKED_AT_MAX, "nothing": [NO_REASON]},
        prepare=False,
    )  # fmt: skip
    return [ExportRow(*row) for row in rows.fetchall()]
