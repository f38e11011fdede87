"""Keys change, and the place of the master key comes and goes, while claims are delivered."""

from pathlib import Path

import pytest

from bilag.exports.audit import keyed_hash
from bilag.integrations.key_sources import open_vault
from bilag.integrations.vault import audit_key, load_data_key
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.sandboxes import start_sandbox
from tests.simulation.conftest import rest_settings
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim, make_world
from tests.vault_server import transit_server

CLAIMS = 60
KEY = "canary-api-key-4711"


def wrong_hashes(world: World, environ: dict[str, str]) -> list[object]:
    """Return log rows whose keyed hash is not that of the submission under today's audit key."""
    with world.pool.connection() as connection, organization_scope(connection, world.organization):
        key = audit_key(
            load_data_key(connection, open_vault(world.home, environ), world.organization)
        )
    rows = world.query(
        "SELECT l.reference, l.payload_hash, s.body FROM sync_logs l"
        " JOIN submissions s ON s.id = l.submission_id WHERE l.payload_hash IS NOT NULL"
    )
    assert len(rows) >= CLAIMS
    return [row[0] for row in rows if bytes(row[1]) != keyed_hash(key, row[2].encode())]


def test_keys_rotate_while_claims_are_delivered(database: Database, tmp_path: Path) -> None:
    with start_sandbox("rest", auth="api_key", api_key=KEY) as sandbox, make_world(
        database.application_url, database.owner_url, tmp_path,
        settings=rest_settings(sandbox.url, auth={"kind": "api_key"}), secrets={"api_key": KEY},
    ) as world:  # fmt: skip
        world.start_worker()
        claims = [claim(n) for n in range(CLAIMS)]
        before = world.query("SELECT id FROM data_keys")
        for n, start in enumerate(range(0, CLAIMS, 12)):
            world.accept(claims[start : start + 12])
            done = world.run("keys", "rotate")
            assert done.returncode == 0, done.stderr
            assert "finished" in done.stdout
            if n == 2:
                _change_master_key(world)
        world.wait_for(at_rest)
        assert prove(world, sandbox, claims) == {"exported": CLAIMS}
        assert world.query("SELECT id FROM data_keys") != before
        assert wrong_hashes(world, {}) == []
        events = dict(world.query("SELECT event, count(*)::int FROM change_logs GROUP BY event"))
        assert events["key.rotated"] == 5
        assert events["key.rewrapped"] == 1
        checked = world.run("keys", "check")
        assert (checked.returncode, KEY in checked.stdout) == (0, False)


def _change_master_key(world: World) -> None:
    """Put a new master key before the old one; workers are started anew with both."""
    old = (world.home / "master.key").read_text()
    world.stop_workers()
    (world.home / "master.key").write_text(f"{'B' * 43}=\n{old}")
    assert world.run("keys", "rotate", "--master-only").returncode == 0
    assert world.run("keys", "rotate", "--master-only").stdout == "finished\n"
    (world.home / "master.key").write_text(f"{'B' * 43}=\n")  # the old one is not needed any more
    world.start_worker()


def test_claims_wait_while_the_master_key_is_out_of_reach(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transit_server() as transit:
        monkeypatch.setenv("BILAG_KEY_SOURCE", "vault:transit/bilag")
        monkeypatch.setenv("VAULT_ADDR", transit.url)
        monkeypatch.setenv("VAULT_TOKEN", transit.token)
        with start_sandbox("rest", auth="api_key", api_key=KEY) as sandbox, make_world(
            database.application_url, database.owner_url, tmp_path,
            settings=rest_settings(sandbox.url, auth={"kind": "api_key"}), secrets={"api_key": KEY},
        ) as world:  # fmt: skip
            transit.fault = (503, "Vault is sealed")
            world.accept([claim(1)])
            world.run("worker", "--once")
            assert world.states() == {"pending": 1}
            runtime = world.query(
                "SELECT error_since, breaker_retry_at IS NOT NULL, error_message"
                " FROM integration_runtime"
            )
            assert runtime[0][:2] == (None, True), "it waits, and nobody has to do anything"
            assert "Vault is sealed" in runtime[0][2]
            transit.fault = None
            world.start_worker()
            assert world.wait_for(at_rest) == {"exported": 1}
            assert posted(sandbox, world) == {"C000001": 1}
            assert not (world.home / "master.key").exists()
