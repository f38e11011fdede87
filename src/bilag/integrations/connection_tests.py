"""The newest connection test of each integration: what was tried, what it found, who asked.

Runs inside `organization_scope`; the report holds no secret, and a newer test takes its place.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from bilag.core.outcome import LOGIN_NOT_TRIED, ConnectionReport
from bilag.core.problem import Problem
from bilag.integrations.model import Integration


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """A test as it is kept; `tried` tells whether settings and credentials are still the same."""

    passed: bool
    tried: bytes
    report: dict[str, Any]
    tested_by: str
    tested_at: datetime

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong and what to do, or how much was proven where it passed."""
        return tuple(Problem.from_json(one) for one in self.report.get("problems", ()))

    def said(self, language: str) -> str:
        """Return what works, or what is wrong and what to do."""
        return " ".join(one.text(language) for one in self.problems) or self.report["message"]

    @property
    def login_tried(self) -> bool:
        """Return whether the login was used: an address can answer without it."""
        return all(one.code != LOGIN_NOT_TRIED for one in self.problems)

    @property
    def company_id(self) -> str:
        """Return the company that was found, by the system's own id; empty where it cannot say."""
        return str(self.report.get("companyId", ""))

    @property
    def company_name(self) -> str:
        """Return the name of the company that was found."""
        return str(self.report.get("companyName", ""))

    @property
    def look_up_proven(self) -> bool:
        """Return whether a voucher of ours was found, and one that does not exist was not."""
        return bool(self.report.get("lookUpProven"))

    @property
    def details(self) -> dict[str, str]:
        """Return what else the connector found, by its own names."""
        return dict(self.report.get("details", {}))


def report_as_json(report: ConnectionReport, problems: tuple[Problem, ...] = ()) -> dict[str, Any]:
    """Return a report as it is kept; `problems` go before what the report itself says."""
    every = problems or ((report.problem,) if report.problem else ())
    return {
        "message": report.message,
        "problems": [one.as_json() for one in every],
        "companyId": report.company_id,
        "companyName": report.company_name,
        "lookUpProven": report.look_up_proven,
        "details": report.details,
    }


def what_is_tried(connection: psycopg.Connection[Any], integration: Integration) -> bytes:
    """Return a hash of what a test depends on: type, settings, and when each credential was set."""
    found = connection.cursor(row_factory=tuple_row).execute(
        "SELECT field, set_at FROM credentials"
        " WHERE organization_id = %s AND integration_id = %s ORDER BY field",
        [integration.organization_id, integration.id],
    )
    parts = [integration.type, integration.settings, found.fetchall()]
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()


def save_test(
    connection: psycopg.Connection[Any],
    integration: Integration,
    tried: bytes,
    report: dict[str, Any],
    by: str,
    *,
    passed: bool,
) -> None:
    """Keep a test in the place of the one before it."""
    connection.execute(
        "INSERT INTO connection_tests"
        " (organization_id, integration_id, passed, tried, report, tested_by)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (integration_id) DO UPDATE"
        " SET passed = excluded.passed, tried = excluded.tried, report = excluded.report,"
        " tested_by = excluded.tested_by, tested_at = now()",
        [integration.organization_id, integration.id, passed, tried, Jsonb(report), by],
    )


def read_test(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID
) -> ConnectionTest | None:
    """Return the newest test of an integration, or None."""
    rows = connection.cursor(row_factory=class_row(ConnectionTest))
    return rows.execute(
        "SELECT passed, tried, report, tested_by, tested_at FROM connection_tests"
        " WHERE organization_id = %s AND integration_id = %s",
        [organization_id, integration_id],
    ).fetchone()
