"""Recounts what the counters of the sum rule say, from the exports themselves (O8).

Counters and exports are read in one view of the database; a correction is one more delta, so it is
right whatever is delivered meanwhile.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Difference:
    """One counter that is not what the exports say; count and amount both ways."""

    integration_id: UUID
    integration_key: str
    currency: str
    listing: str
    state: str
    counted: int
    counted_amount: Decimal
    kept: int
    kept_amount: Decimal


# `approved` counts each row that was ever opened of what is neither forced nor a reversal, as its
# arrival does. The finished states are those that the triggers of `exports` count.
_DIFFERENCES = """
WITH rows AS MATERIALIZED (
    SELECT integration_id, currency, listing_of(kind) AS listing, state, count(*) AS n,
        sum(amount) AS amount
    FROM exports WHERE organization_id = current_organization() GROUP BY 1, 2, 3, 4
), counted AS (
    SELECT integration_id, currency, listing, 'approved' AS state, sum(n) AS n,
        sum(amount) AS amount
    FROM rows WHERE listing = 'current' GROUP BY 1, 2, 3
    UNION ALL
    SELECT * FROM rows
    WHERE state IN ('exported', 'excluded', 'cancelled', 'superseded', 'reversed')
), kept AS (
    SELECT integration_id, currency, listing, state, sum(count) AS n, sum(amount) AS amount
    FROM (SELECT integration_id, currency, listing, state, count, amount FROM export_totals
          WHERE organization_id = current_organization()
          UNION ALL
          SELECT integration_id, currency, listing, state, count, amount FROM export_total_deltas
          WHERE organization_id = current_organization()) t
    GROUP BY 1, 2, 3, 4
)
SELECT integration_id, i.key AS integration_key, currency, listing, state,
    coalesce(c.n, 0)::bigint AS counted, coalesce(c.amount, 0) AS counted_amount,
    coalesce(k.n, 0)::bigint AS kept, coalesce(k.amount, 0) AS kept_amount
FROM counted c FULL JOIN kept k USING (integration_id, currency, listing, state)
JOIN organization_integrations i ON i.id = integration_id
WHERE coalesce(c.n, 0) <> coalesce(k.n, 0) OR coalesce(c.amount, 0) <> coalesce(k.amount, 0)
ORDER BY 2, 3, 4, 5
"""

_MEND = """
INSERT INTO export_total_deltas
    (organization_id, integration_id, currency, listing, state, count, amount)
VALUES (current_organization(), %s, %s, %s, %s, %s, %s)
"""


def differences(connection: psycopg.Connection[Any]) -> list[Difference]:
    """Return the counters of the organization of the scope that are not right; reads every export.

    One statement, and so one view: what is settled meanwhile is in both sides or in neither.
    """
    rows = connection.cursor(row_factory=class_row(Difference))
    return rows.execute(_DIFFERENCES).fetchall()


def mend(connection: psycopg.Connection[Any]) -> list[Difference]:
    """Add what is missing to the counters, take away what is too much; returns what was wrong.

    Two who mend at once do so one after the other, so nothing is corrected twice.
    """
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('bilag.mend_totals'))")
    found = differences(connection)
    for one in found:
        connection.execute(
            _MEND,
            [one.integration_id, one.currency, one.listing, one.state, one.counted - one.kept,
             one.counted_amount - one.kept_amount],
        )  # fmt: skip
    return found
