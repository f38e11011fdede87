"""E20: a database set back to a backup sends nothing again that was sent after the backup."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.exports.epoch import EpochMark, compare
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import rest_settings
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim, make_world


@contextmanager
def living(database: Any, home: Path, sandbox: SandboxProcess, **changes: Any) -> Iterator[World]:
    """Open a world on the database as it now is."""
    settings = rest_settings(sandbox.url, look_up=changes.pop("look_up", True))
    with make_world(
        database.application_url, database.owner_url, home, settings=settings, **changes
    ) as world:
        yield world


def copy_database(superuser_url: str, source: str, target: str) -> None:
    """Copy a whole database, sequences included, as a backup or a restore would."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}" OWNER bilag_owner')


@pytest.mark.parametrize("look_up", [True, False])
def test_restored_from_a_backup_taken_a_thousand_exports_earlier(
    cluster: Any, database: Any, sandbox: SandboxProcess, tmp_path: Path, look_up: bool
) -> None:
    claims = [claim(number) for number in range(1300)]
    with living(database, tmp_path, sandbox, look_up=look_up) as world:
        world.accept(claims[:300])
        world.start_worker("--once").wait(120)
        assert world.states() == {"exported": 300}
    backup = f"{database.name}_backup"
    copy_database(cluster.superuser_url, database.name, backup)
    with living(database, tmp_path, sandbox, look_up=look_up) as world:
        world.accept(claims[300:])
        world.start_worker("--once").wait(120)
        assert world.states() == {"exported": 1300}
    copy_database(cluster.superuser_url, backup, database.name)
    with living(database, tmp_path, sandbox, look_up=look_up) as world:
        world.accept(claims)  # the app hands everything over again
        late = [claim(number) for number in range(2000, 2010)]
        world.start_worker()
        states = world.wait_for(at_rest)
        world.accept(late)
        states = world.wait_for(at_rest)
        if look_up:
            assert states == {"exported": 1310}
        else:
            assert states["needs_review"] >= 1000, "each doubtful claim waits for a person"
        assert max(posted(sandbox).values()) == 1
        prove(world, sandbox, claims + late)
        numbers = [e["voucherNumber"] for e in sandbox.ledger()["entries"]]
        assert len(numbers) == len(set(numbers)), "a voucher number was used twice"
    with psycopg.connect(cluster.superuser_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{backup}" WITH (FORCE)')


def test_a_person_may_say_that_it_was_restored(
    database: Any, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with living(database, tmp_path, sandbox) as world:
        world.accept([claim(1), claim(2)])
        ended = world.run("restored", "--yes")
        assert ended.returncode == 0, ended.stdout
        assert world.states() == {"in_doubt": 2}
        world.accept([claim(3)])
        assert world.states() == {"in_doubt": 3}, "approved before the restore: may be exported"


def test_the_mark_may_lie_elsewhere(
    database: Any, sandbox: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "shared" / "mark.json"
    monkeypatch.setenv("BILAG_EPOCH_FILE", str(elsewhere))
    with living(database, tmp_path, sandbox) as world:
        world.accept([claim(1)])
        world.start_worker("--once").wait(120)
        assert world.states() == {"exported": 1}
        sent = EpochMark(elsewhere).read()
        assert world.run("restored", "--yes").returncode == 0
    assert EpochMark(elsewhere).read().epoch == sent.epoch + 1
    assert not (tmp_path / "epoch.json").exists()


def test_a_mark_of_another_database_counts_as_restored(
    database: Any, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    with living(database, tmp_path, sandbox) as world:
        world.accept([claim(1)])
    mark = EpochMark(tmp_path / "epoch.json")
    (tmp_path / "epoch.json").write_text('{"instance":"another","epoch":1,"token":5}')

    async def look() -> bool:
        connection = await psycopg.AsyncConnection.connect(
            database.application_url, autocommit=True
        )
        async with connection:
            first = await compare(connection, mark)
            second = await compare(connection, mark)
        assert not second.restored
        return first.restored

    assert asyncio.run(look())
