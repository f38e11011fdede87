"""The rows of one import while they wait for the other rows of their claims, in the database.

Rows go in as they stand in the file and come back claim by claim; none outlives its import.
"""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg

from bilag.core.problem import Problem
from bilag.tenants.scope import organization_scope

_ROWS_A_FETCH = 2_000

_ADD: Final = """
INSERT INTO import_rows (import_id, organization_id, claim_key, row_no, data, problems)
SELECT %s, %s, d.k, d.n, d.d, d.p
FROM jsonb_to_recordset(%s::jsonb) AS d (k text, n int, d text, p jsonb)
"""

_CLAIMS: Final = """
SELECT claim_key, row_no, data, problems FROM import_rows
WHERE import_id = %s ORDER BY claim_key, row_no
"""

# An import is alive as long as its connection holds the lock: proof of life, not age.
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_UNLOCK: Final = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"


@dataclass(frozen=True, slots=True)
class StagedRow:
    """One row as it is kept: `data` is the row source's own text."""

    claim_key: str
    number: int
    data: str
    problems: tuple[Problem, ...] = ()


class Staging:
    """The staged rows of one import on one connection in autocommit mode."""

    def __init__(
        self, connection: psycopg.Connection[Any], organization_id: UUID, import_id: UUID
    ) -> None:
        self._connection = connection
        self._organization = organization_id
        self._import = import_id

    def begin(self, file_name: str, profile: str) -> None:
        """Register the import, and clear up after imports whose process is gone."""
        self._connection.execute(_LOCK, [str(self._import)])
        with organization_scope(self._connection, self._organization):
            running = self._connection.execute(
                "SELECT id FROM imports WHERE organization_id = %s AND state = 'running'",
                [self._organization],
            ).fetchall()
            self._connection.execute(
                "INSERT INTO imports (id, organization_id, file_name, profile, state)"
                " VALUES (%s, %s, %s, %s, 'running')",
                [self._import, self._organization, file_name, profile],
            )
        for (other,) in running:
            locked = self._connection.execute(_LOCK, [str(other)]).fetchone()
            if locked and locked[0]:
                Staging(self._connection, self._organization, other).end("broken", {})

    def add(self, rows: Sequence[StagedRow]) -> None:
        """Keep these rows, in one transaction of one statement."""
        document = [
            {
                "k": row.claim_key,
                "n": row.number,
                "d": row.data,
                "p": [p.as_json() for p in row.problems] or None,
            }
            for row in rows
        ]
        with organization_scope(self._connection, self._organization):
            self._connection.execute(
                _ADD, [self._import, self._organization, orjson.dumps(document).decode()]
            )

    def rows_by_claim(self) -> Generator[StagedRow]:
        """Yield all rows, those of a claim together and in the order of the file.

        The cursor outlives its transaction (WITH HOLD: the server keeps the sorted rows in a file),
        so that no transaction stays open while the claims are delivered.
        """
        with self._connection.cursor("bilag_claims", withhold=True) as cursor:
            with organization_scope(self._connection, self._organization):
                cursor.execute(_CLAIMS, [self._import])
            while rows := cursor.fetchmany(_ROWS_A_FETCH):
                for key, number, data, problems in rows:
                    found = tuple(Problem.from_json(value) for value in problems or ())
                    yield StagedRow(key, number, data, found)

    def end(self, state: str, counts: dict[str, int]) -> None:
        """Remove the staged rows and note how the import ended: `finished` or `broken`."""
        with organization_scope(self._connection, self._organization):
            self._connection.execute("DELETE FROM import_rows WHERE import_id = %s", [self._import])
            self._connection.execute(
                "UPDATE imports SET state = %s, counts = %s, finished_at = now() WHERE id = %s",
                [state, json.dumps(counts), self._import],
            )
        self._connection.execute(_UNLOCK, [str(self._import)])
