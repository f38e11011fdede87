"""Claims over two accounting years that were held as one, and may now become a voucher per year.

The held row is superseded and its parts are opened as a new generation, in one transaction.
"""

from typing import Any
from uuid import UUID

import orjson
import psycopg

from bilag.core.reference import make_reference
from bilag.integrations.model import Integration
from bilag.mapping.amounts import parts

_WHOLE = """
SELECT e.id, e.record_id, e.source_system, e.source_id, e.revision, e.kind, e.category, e.currency,
    e.generation, r.content
FROM exports e JOIN records r ON r.id = e.record_id
WHERE e.integration_id = %s AND e.for_person AND e.state = 'held'
  AND e.live IS NOT FALSE AND e.part + 0 = 0
  AND e.reason ->> 'code' = 'two_accounting_years'
ORDER BY e.id LIMIT %s FOR UPDATE OF e
"""

_OPEN = """
WITH ended AS (
    UPDATE exports SET state = 'superseded', state_since = now(), live = false
    WHERE id = ANY (%(whole)s) RETURNING 1
)
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, generation, part, kind, live, category, currency, amount, reference, state)
SELECT current_organization(), %(integration)s, %(book)s, d.record_id, d.source_system, d.source_id,
    d.revision, d.generation, d.part, 'revision', true, d.category, d.currency, d.amount,
    d.reference, 'pending'
FROM jsonb_to_recordset(%(rows)s) AS d (record_id uuid, source_system text, source_id text,
    revision int, generation int, part smallint, category text, currency text, amount numeric,
    reference text)
"""

# The sum rule counts each row that was ever opened: the whole claim stays counted as superseded.
_COUNT_AGAIN = """
INSERT INTO export_total_deltas
    (organization_id, integration_id, currency, listing, state, count, amount)
SELECT current_organization(), %(integration)s, d.currency, 'current', 'approved', count(*),
    sum(d.amount)
FROM jsonb_to_recordset(%(rows)s) AS d (currency text, amount numeric) GROUP BY d.currency
"""


async def split_held(
    connection: psycopg.AsyncConnection[Any], integration: Integration, limit: int = 200
) -> int:
    """Open one export per accounting year for claims held as one; returns how many were split.

    The caller holds the tenant scope, and calls it only while the policy is `split`.
    """
    cursor = await connection.execute(_WHOLE, [integration.id, limit])
    whole: list[int] = []
    rows: list[dict[str, Any]] = []
    for row in await cursor.fetchall():
        whole.append(row[0])
        rows.extend(_parts(integration, row))
    if whole:
        parameters = {
            "whole": whole,
            "integration": integration.id,
            "book": integration.book.id,
            "rows": orjson.dumps(rows, default=str).decode(),
        }
        await connection.execute(_OPEN, parameters)
        await connection.execute(_COUNT_AGAIN, parameters)
    return len(whole)


def _parts(integration: Integration, row: tuple[Any, ...]) -> list[dict[str, Any]]:
    _, record_id, system, source_id, revision, _, category, currency, generation, content = row
    book: UUID = integration.book.id
    return [
        {
            "record_id": record_id,
            "source_system": system,
            "source_id": source_id,
            "revision": revision,
            "generation": generation + 1,
            "part": part,
            "category": category,
            "currency": currency,
            "amount": str(amount),
            "reference": make_reference(
                book, system, f"{source_id}\x1f{part}" if part else source_id, generation + 1
            ),
        }
        for part, amount in parts(content, integration.book, "split")
    ]
