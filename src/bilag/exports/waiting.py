"""How many records wait for something to be changed: an integration, a period, a sign-off.

Only rows that are not finished are counted, by their indexes; no query here grows with history.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many exports of an integration are pending, and how many may be on their way already."""

    pending: int
    under_way: int
    held: int


_WAITING = """
SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state <> 'pending'),
    (SELECT count(*) FROM exports WHERE integration_id = %(integration)s AND for_person
        AND state = 'held')
FROM exports WHERE integration_id = %(integration)s AND for_engine
"""


def count_waiting(connection: psycopg.Connection[Any], integration_id: UUID) -> Waiting:
    """Return what waits for an integration of the organization of the scope."""
    ((pending, under_way, held),) = connection.execute(
        _WAITING, {"integration": integration_id}
    ).fetchall()
    return Waiting(pending, under_way, held)


# A claim is held for one reason, or for several at once.
_HELD_FOR = """
SELECT e.book_id, p ->> 'code', count(DISTINCT e.id)
FROM organization_integrations i
JOIN exports e ON e.integration_id = i.id AND e.for_person AND e.state = 'held'
    AND e.live IS NOT FALSE
JOIN LATERAL jsonb_array_elements(CASE e.reason ->> 'code' WHEN 'several'
    THEN e.reason -> 'problems' ELSE jsonb_build_array(e.reason) END) AS p ON true
WHERE i.organization_id = current_organization() AND p ->> 'code' = ANY (%(codes)s)
GROUP BY 1, 2
"""


def count_held(
    connection: psycopg.Connection[Any], codes: tuple[str, ...]
) -> dict[tuple[UUID, str], int]:
    """Return by book and reason how many claims are held for one of these reasons.

    A claim that is held for several counts under each.
    """
    rows = connection.execute(_HELD_FOR, {"codes": list(codes)}).fetchall()
    return {(book, code): count for book, code, count in rows}


class HeldClaim(NamedTuple):
    """A claim that is held, as people see it; `reason` is a stored problem, or several."""

    export_id: int
    source_id: str
    integration_name: str
    category: str
    currency: str
    amount: Decimal
    reason: dict[str, Any]


_HELD = """
SELECT e.id, e.source_id, i.name, e.category, e.currency, e.amount, e.reason
FROM organization_integrations i
JOIN exports e ON e.integration_id = i.id AND e.for_person AND e.state = 'held'
    AND e.live IS NOT FALSE
WHERE i.organization_id = current_organization()
  AND e.id > %(after)s
  AND EXISTS (SELECT FROM jsonb_array_elements(CASE e.reason ->> 'code' WHEN 'several'
      THEN e.reason -> 'problems' ELSE jsonb_build_array(e.reason) END) p
      WHERE p ->> 'code' = ANY (%(codes)s))
ORDER BY e.id LIMIT %(limit)s
"""


def held_claims(
    connection: psycopg.Connection[Any], codes: tuple[str, ...], *, after: int, limit: int
) -> list[HeldClaim]:
    """Return claims that are held for one of these reasons, oldest first, with ids above `after`.

    Keyset pages, over what is held only.
    """
    rows = connection.execute(_HELD, {"codes": list(codes), "after": after, "limit": limit})
    return [HeldClaim(*row) for row in rows.fetchall()]
