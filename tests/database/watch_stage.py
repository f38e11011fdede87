"""What alerts and pages about health are tested on: Alice's integration, set as a day left it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import psycopg

from bilag.monitoring.alerts import Alert, list_alerts
from bilag.monitoring.watch import look
from bilag.tenants.scope import organization_scope, organization_scope_async
from tests.database.api_stage import Stage, record

Found = TypeVar("Found")


def runtime(stage: Stage, **columns: Any) -> None:
    """Set what is known of Alice's integration; `trigger` and `enabled_since` are its own."""
    for column, value in columns.items():
        if column == "trigger":
            stage.query(
                "UPDATE organization_integrations SET delivery = delivery || jsonb_build_object("
                "'trigger', %s::text, 'schedule', %s::jsonb)", value,
                '{"at": "06:00"}' if value == "daily" else "{}",
            )  # fmt: skip
        elif column in ("enabled", "enabled_since"):
            stage.query(f"UPDATE organization_integrations SET {column} = %s", value)
        else:
            stage.query(f"UPDATE integration_runtime SET {column} = %s", value)


def bound(stage: Stage, **columns: Any) -> None:
    """Set bounds of Alice's organization."""
    for column, value in columns.items():
        stage.query(f"UPDATE watch_settings SET {column} = %s", value)


def pending(stage: Stage, source_id: str, since: datetime, **columns: Any) -> int:
    """Hand over a claim that has been pending since a moment."""
    stage.alice.hand_over(record(source_id))
    export = stage.alice.export_id(source_id)
    stage.bring(export, state_since=since, **columns)
    return export


def refused(stage: Stage, source_id: str, at: datetime, message: str = "account closed") -> int:
    """Hand over a claim that the accounting system refused at a moment."""
    export = pending(stage, source_id, at)
    stage.bring(export, "sending", "failed", state_since=at, attempt=1)
    stage.query(
        "UPDATE exports SET reason = jsonb_build_object('code', 'refused', 'field', 'account',"
        " 'params', jsonb_build_object('message', %s::text)) WHERE id = %s", message, export,
    )  # fmt: skip
    return export


def error(
    stage: Stage, at: datetime, outcome: str = "rejected", http: int = 422, export: int = 1
) -> None:
    """Log an attempt that went wrong."""
    stage.query(
        "INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id,"
        " reference, attempt, event, outcome, http_status, message, row_hash, link, position)"
        " VALUES (%s, %s, %s, gen_random_uuid(), %s, 'C1', 'R1', 1, 'sent', %s, %s,"
        " 'no such account', '', 0, 0)",
        stage.alice.organization, at, stage.alice.integration, export, outcome, http,
    )  # fmt: skip


def in_the_worker(
    stage: Stage, do: Callable[[psycopg.AsyncConnection[Any]], Awaitable[Found]]
) -> Found:
    """Do something on a connection as the worker has it."""

    async def run() -> Found:
        async with await psycopg.AsyncConnection.connect(
            stage.database.application_url, autocommit=True
        ) as connection:
            return await do(connection)

    return asyncio.run(run())


def look_at(stage: Stage, at: datetime, *, mail: bool = False) -> list[str]:
    """Look at Alice's organization at a moment; returns the rules of what people are told."""

    async def do(connection: psycopg.AsyncConnection[Any]) -> list[int]:
        async with organization_scope_async(connection, stage.alice.organization):
            return await look(connection, stage.alice.organization, at, mail=mail)

    told = in_the_worker(stage, do)
    return [one.rule for one in alerts(stage, cleared=True) if one.id in told]


def alerts(stage: Stage, *, cleared: bool = False) -> list[Alert]:
    """Return Alice's open alerts, or all."""
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        return list_alerts(connection, stage.alice.organization, cleared=cleared)


def open_rules(stage: Stage) -> set[str]:
    """Return the rules of which an alert is open."""
    return {one.rule for one in alerts(stage)}
