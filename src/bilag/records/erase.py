"""Takes out records whose time is over (X7), as the owner of the tables."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

_CLAIMS = """
USING unnest(%(systems)s::text[], %(ids)s::text[]) AS c (source_system, source_id)
WHERE t.organization_id = %(organization)s AND t.source_system = c.source_system
  AND t.source_id = c.source_id
"""


def erase_records(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    systems: Sequence[str],
    ids: Sequence[str],
) -> None:
    """Delete all revisions of claims, and what withdrew them; in the caller's transaction.

    The caller has said in the audit log that it does so, and may delete what is append-only.
    """
    given = {"organization": organization_id, "systems": systems, "ids": ids}
    # a withdrawal refers to the record it took back
    connection.execute(f"DELETE FROM record_withdrawals t {_CLAIMS}".encode(), given)
    connection.execute(f"DELETE FROM records t {_CLAIMS}".encode(), given)
