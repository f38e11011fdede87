"""A backup by PostgreSQL's own programs, restored onto an empty server: the same, and no doubles.

As the runbook says it: database and home folder are saved together, and whoever restores them says
`bilag restored` before the first worker starts, since the mark of the epoch is as old as they are.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from bilag.app.postgres_places import find_binaries
from tests.clusters import (
    Cluster,
    Database,
    chosen_binaries,
    database_of,
    throw_away_cluster,
)
from tests.sandboxes import SandboxProcess
from tests.simulation.forked import bilag
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.test_restore import living
from tests.simulation.world import World, claim

BEFORE, AFTER = 300, 1000


def test_restored_onto_an_empty_server_nothing_differs_and_nothing_doubles(
    database: Database, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    home, saved, dump = tmp_path / "home", tmp_path / "saved", tmp_path / "bilag.dump"
    home.mkdir()
    claims = [claim(number) for number in range(BEFORE + AFTER)]
    with living(database, home, sandbox) as world:
        world.accept(claims[:BEFORE])
        world.start_worker("--once").wait(120)
        world.accept(claims[BEFORE : BEFORE + 5])  # waits while the backup is taken
        before = _said(world)
        _program("pg_dump", "--format=custom", f"--file={dump}", database.owner_url)
        shutil.copytree(home, saved)
        world.accept(claims[BEFORE + 5 :])
        world.start_worker("--once").wait(240)
        assert world.states() == {"exported": BEFORE + AFTER}
    with throw_away_cluster(chosen_binaries()) as empty:
        restored = _restore(empty, dump)
        with living(restored, saved, sandbox) as world:
            assert _said(world) == before
            assert world.run("restored", "--yes").returncode == 0
            world.accept(claims)
            world.start_worker()
            assert world.wait_for(at_rest) == {"exported": BEFORE + AFTER}
            world.accept([claim(number) for number in range(5000, 5010)])
            world.wait_for(at_rest)
            assert max(posted(sandbox).values()) == 1
            prove(world, sandbox, claims + [claim(number) for number in range(5000, 5010)])
            world.stop_workers()
            assert bilag("audit", "verify", environment=world.environment()).code == 0
            assert bilag("verify", "totals", environment=world.environment()).code == 0


def _said(world: World) -> tuple[Any, Any]:
    """Return what `bilag status` and `bilag audit verify` say."""
    status = bilag("status", "--json", environment=world.environment())
    audit = bilag("audit", "verify", "--json", environment=world.environment())
    assert audit.code == 0, audit.out
    return json.loads(status.out), json.loads(audit.out)


def _restore(cluster: Cluster, dump: Path) -> Database:
    """Restore into a new database of a server on which bilag never was; only its roles exist."""
    restored = database_of(cluster, "bilag_restored")
    with psycopg.connect(cluster.superuser_url, autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {restored.name} OWNER bilag_owner")
    _program("pg_restore", "--exit-on-error", f"--dbname={restored.owner_url}", str(dump))
    return restored


def _program(name: str, *arguments: str) -> None:
    program = find_binaries(chosen_binaries(), None).folder / name
    ran = subprocess.run(
        [program, *arguments], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
