"""A sync that cannot even begin stops its integration and says why, once and not every second."""

import asyncio
import base64
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from bilag.connectors.registry import CONNECTORS
from bilag.delivery.sessions import Sessions
from bilag.delivery.sync import Done, Engine, engine_mark, prepare_connection, run_sync
from bilag.integrations.key_sources import open_vault
from bilag.integrations.store import save_mapping
from bilag.tenants.scope import organization_scope
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted
from tests.simulation.world import MAPPING, World, claim

SLUG = "blindeforbundet"
IN_ITS_PLACE = base64.b64encode(b"\x07" * 32).decode()


def sync(world: World) -> Done:
    """Run one sync in this process, with the keys of the home folder."""
    done = asyncio.run(_sync(world))
    assert done is not None
    return done


async def _sync(world: World) -> Done | None:
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        world.application_url, min_size=3, configure=prepare_connection, open=False
    )
    sessions = Sessions()
    async with pool:
        vault, mark = open_vault(world.home, {}), engine_mark(world.home)
        engine = Engine(pool, CONNECTORS, vault, mark, sessions)
        try:
            return await run_sync(engine, world.organization, world.integration, "manual")
        finally:
            await sessions.close()


def spoil(world: World, what: str) -> None:
    """Store what an earlier version took and this one does not, or lose the master key."""
    if what == "settings":
        world.query(
            "UPDATE organization_integrations SET settings = settings || %s::jsonb",
            '{"oldLogin": "password=Hemmelig-4711"}',
        )
    elif what == "mapping":
        _save_mapping(world, {**MAPPING, "oldAccounts": "Hemmelig-4711"})
    else:
        (world.home / "master.key").rename(world.home / "kept.key")
        (world.home / "master.key").touch(0o600)
        (world.home / "master.key").write_text(IN_ITS_PLACE)


def mend(world: World, what: str) -> None:
    """Take back what `spoil` did."""
    if what == "settings":
        world.query("UPDATE organization_integrations SET settings = settings - 'oldLogin'")
    elif what == "mapping":
        _save_mapping(world, MAPPING)
    else:
        (world.home / "kept.key").rename(world.home / "master.key")


def _save_mapping(world: World, document: dict[str, Any]) -> None:
    with world.pool.connection() as connection, organization_scope(connection, world.organization):
        save_mapping(connection, world.organization, world.integration, document, "test")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("settings", ["Innstillingene", "settings.oldLogin"]),
        ("mapping", ["Tilordningen", "mapping.oldAccounts"]),
        ("vault", ["Hemmelighetene", "BILAG_MASTER_KEY"]),
    ],
)
def test_what_cannot_be_used_any_more_stops_the_integration_and_says_so(
    world: World, sandbox: SandboxProcess, what: str, says: list[str]
) -> None:
    assert sync(world).outcome == "ok"
    spoil(world, what)
    world.accept([claim(1)])
    done = sync(world)
    assert (done.outcome, done.again) == ("misconfigured", False)
    ((message,),) = world.query("SELECT error_message FROM integration_runtime")
    assert all(word in message for word in says), message
    assert "Hemmelig-4711" not in message
    assert world.query("SELECT outcome, message FROM syncs WHERE id = %s", done.run_id) == [
        ("misconfigured", message)
    ]
    assert world.query("SELECT last_sync_outcome FROM integration_runtime") == [("misconfigured",)]
    assert world.query("SELECT * FROM due_integrations()") == [], "no tick asks for it again"

    failing = world.run("check-connection", SLUG)
    assert (failing.returncode, "NOT OK" in failing.stdout) == (1, True), failing.stdout
    assert "Hemmelig-4711" not in failing.stdout + failing.stderr
    assert world.query("SELECT error_since IS NULL FROM integration_runtime") == [(False,)]

    mend(world, what)
    assert sync(world).outcome == "misconfigured", "nothing is sent before a check passes"
    assert posted(sandbox).total() == 0
    passing = world.run("check-connection", SLUG)
    assert (passing.returncode, "cleared" in passing.stdout) == (0, True), passing.stdout
    assert sync(world).outcome == "ok"
    assert posted(sandbox) == {"C000001": 1}


def test_a_system_that_is_down_is_waited_for_and_named(
    world_of: MakeWorld, sandbox: SandboxProcess
) -> None:
    world = world_of(
        settings={"company": {"path": "/company"}}, delivery={"breaker": {"retrySeconds": 60}}
    )
    sandbox.stop()
    world.accept([claim(1)])
    assert world.run("worker", "--once").returncode == 0
    # the worker's tick may have asked for another sync before the first one found it down
    assert set(world.query("SELECT outcome FROM syncs")) == {("breaker",)}
    shown = world.run("status", "--language", "en")
    assert shown.returncode == 1, "somebody has to know that nothing goes out"
    assert "Nothing answers" in shown.stdout
    sandbox.restart()
    world.query("UPDATE integration_runtime SET breaker_retry_at = now()")
    world.start_worker()
    assert world.wait_for(at_rest) == {"exported": 1}
