"""What the engine writes about a claim, without an accounting system: an attempt, settled."""

import asyncio
from typing import Any

import psycopg

from bilag.delivery.sync import prepare_connection
from bilag.exports.settle import Chain, Settlement, settle
from bilag.integrations.vault import audit_key, load_data_key
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import Person, Stage

RUN = "00000000-0000-0000-0000-000000000017"
PAYLOAD = (
    '{"text":"Besøk hos Volunteer 017","account":"7140","amount":249.50,"phone":"41234567890"}'
)


def attempt(
    stage: Stage,
    person: Person,
    export_id: int,
    outcome: str = "accepted",
    state: str = "exported",
    *,
    message: str = "",
    answer: str = '{"id":"x-9","note":"Thank you, Volunteer 017"}',
    payload: str = PAYLOAD,
) -> None:
    """Send an export and settle it, as T1 and T2 do; the claim must be pending."""
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, person.organization),
    ):
        key = audit_key(load_data_key(connection, stage.installation.vault, person.organization))
        row = connection.execute(
            "UPDATE exports SET state = 'sending', attempt = attempt + 1, token = nextval("
            "'sending_tokens'), send_by = now(), mapping_version = 1, accounting_year = 2026,"
            " voucher_number = id WHERE id = %s RETURNING token, attempt, source_id, reference",
            [export_id],
        ).fetchone()
        assert row is not None
        token, number, source_id, reference = row
        connection.execute(
            "INSERT INTO submissions (id, organization_id, body, mapping_version)"
            " VALUES (%s, %s, %s, 1)",
            [token * 1000, person.organization, payload],
        )
    settlement = Settlement(
        export_id, token, number, source_id, reference, token * 1000, state, outcome,
        external_voucher_number="V-9" if state == "exported" else "", http_status=201,
        duration_ms=12, message=message, answer=answer, payload=payload.encode(),
    )  # fmt: skip
    asyncio.run(_settle(stage, person, key, settlement))


async def _settle(stage: Stage, person: Person, key: bytes, settlement: Settlement) -> None:
    url = stage.database.application_url
    connection: psycopg.AsyncConnection[Any]
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await prepare_connection(connection)
        chain = Chain(person.organization, person.integration, RUN, key)  # type: ignore[arg-type]
        assert await settle(connection, chain, [settlement]) == (1, 0)
