"""X5: a signed callback that lies: what the look-up finds is what counts."""

import base64
import hmac
import time
from pathlib import Path

import psycopg
import pytest

from bilag.app.wiring import open_installation
from bilag.delivery import installation as context
from bilag.integrations.key_sources import open_vault
from bilag.integrations.vault import put_credential
from bilag.tenants.scope import organization_scope
from bilag.tenants.tokens import create_token
from tests.clusters import Database
from tests.database.api_stage import EXPORTS, Person
from tests.sandboxes import SandboxProcess
from tests.simulation.proof import at_rest, prove
from tests.simulation.world import World, claim

SECRET = "a secret of the accounting system"


def call_back(person: Person, export_id: int, body: bytes) -> int:
    """Tell something of an export, signed with the integration's secret; returns the status."""
    name, at = f"about-{export_id}", str(int(time.time()))
    mark = hmac.digest(SECRET.encode(), f"{name}.{at}.".encode() + body, "sha256")
    return person.ask(
        "PUT", f"{EXPORTS}/{export_id}", body, Webhook_Id=name, Webhook_Timestamp=at,
        Webhook_Signature=f"v1,{base64.b64encode(mark).decode()}",
    ).status_code  # fmt: skip


def test_a_callback_leads_to_a_look_up_and_the_look_up_decides(
    database: Database, world: World, sandbox: SandboxProcess, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    claims = [claim(number) for number in range(3)]
    world.accept(claims[:1])
    world.start_worker("--once").wait(60)
    sandbox.faults(
        {"kind": "lost_answer", "at": [1]}, {"kind": "error_before", "at": [2]},
        {"kind": "error_before", "on": "read"},
    )  # fmt: skip
    world.accept(claims[1:])
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for _ in range(2):
            world.start_worker("--once").wait(60)
            world.move_clock(60)
        owner.execute("UPDATE exports SET due_at = now() + '1 hour' WHERE state = 'in_doubt'")
    assert world.states() == {"exported": 1, "in_doubt": 2}
    sandbox.clear_faults()
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", database.owner_url)
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        token = create_token(connection, world.organization, "ledger", ("exports:write",))
        put_credential(
            connection, open_vault(world.home, {}), world.organization, world.integration,
            "callback_secret", SECRET, "test",
        )  # fmt: skip
    with open_installation(tmp_path) as opened:
        context.use(opened)
        person = Person(world.organization, world.integration, token)
        for export_id, said in world.query(
            "SELECT id, 'said of ' || source_id FROM exports WHERE state = 'in_doubt'"
        ):
            lie = f'{{"status": "exported", "voucherNumber": "{said}"}}'.encode()
            assert call_back(person, export_id, lie) == 204
    assert world.states() == {"exported": 1, "in_doubt": 2}

    world.start_worker()

    assert world.wait_for(at_rest) == {"exported": 3}
    assert prove(world, sandbox, claims) == {"exported": 3}
    numbers = {entry["voucherNumber"] for entry in sandbox.ledger()["entries"]}
    assert {row[0] for row in world.query("SELECT external_voucher_number FROM exports")} == numbers
