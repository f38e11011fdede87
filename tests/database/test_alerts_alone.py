"""O7: what fails for one person, webhook or organization keeps no other from being told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from bilag.app.migrate import setup_django
from bilag.delivery import worker
from bilag.monitoring import notices, watch
from bilag.tenants.members import save_member
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, record
from tests.database.tell_stage import Hook, Mailbox, a_hook, a_mailbox, listens, people, tell
from tests.database.watch_stage import bound, in_the_worker, look_at, refused, runtime

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        setup_django(database.application_url)
        runtime(running, enabled_since=datetime(2026, 1, 1, tzinfo=UTC))
        bound(running, silence_days=0)
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Hook]:
    with a_hook() as found:
        yield found


def _engine(stage: Stage, connection: psycopg.AsyncConnection[Any]) -> Any:
    """Return what a chore uses of the engine, with a connection of its own."""

    @asynccontextmanager
    async def lent() -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        yield connection

    return SimpleNamespace(pool=SimpleNamespace(connection=lent), vault=stage.installation.vault)


# No mail can be made out to either: a part of a domain is at most 63 long, and never empty.
UNSENDABLE = ("a@ø" + 62 * "x" + ".org", "a@\u00ad.org")


@pytest.mark.parametrize("subject", UNSENDABLE)
def test_a_mailbox_that_cannot_be_written_to_keeps_nobody_from_being_told(
    stage: Stage, mailbox: Mailbox, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(stage, zoe="admin")
    for person, name in ((stage.alice, subject), (stage.charlie, "charlie@example.org")):
        with (
            stage.installation.pool.connection() as connection,
            organization_scope(connection, person.organization),
        ):
            save_member(connection, person.organization, name, "admin")
            connection.execute(
                "UPDATE watch_settings SET silence_days = 1, watched_at = '-infinity'"
            )
            connection.execute("UPDATE organization_integrations SET enabled = true")
        person.hand_over(record())
    with connect_owner(stage) as owner:
        owner.execute("UPDATE exports SET created_at = now() - interval '9 days'")

    async def worker_tick(connection: psycopg.AsyncConnection[Any]) -> None:
        await watch.tick(_engine(stage, connection), None)  # type: ignore[arg-type]

    monkeypatch.setenv("BILAG_SMTP_URL", "smtp://127.0.0.1")
    in_the_worker(stage, worker_tick)
    assert sorted(m["To"] for m in mailbox.messages) == ["charlie@example.org", "zoe@example.org"]
    ((sent, why),) = stage.query("SELECT sent_at IS NOT NULL, error FROM alert_notices")
    assert sent
    assert why.startswith(f"{subject} cannot be reached: UnicodeError")


def test_a_mailbox_that_is_refused_is_tried_again_alone(stage: Stage, mailbox: Mailbox) -> None:
    people(stage, anna="admin", gone="admin", zoe="admin")
    refused(stage, "C1", NOW)
    look_at(stage, NOW, mail=True)
    mailbox.gone = "gone@example.org"
    for _ in range(3):
        assert tell(stage) == 0
        stage.query("UPDATE alert_notices SET due_at = now()")
    assert [m["To"] for m in mailbox.messages] == ["anna@example.org", "zoe@example.org"]
    ((why, told),) = stage.query("SELECT error, told FROM alert_notices")
    assert why.startswith("gone@example.org: SMTPRecipientsRefused")
    assert told == ["anna@example.org", "zoe@example.org"]
    mailbox.gone = ""
    assert tell(stage) == 1
    assert [m["To"] for m in mailbox.messages][2:] == ["gone@example.org"]
    assert stage.query("SELECT error, told FROM alert_notices") == [("", [])]


def test_a_slow_webhook_takes_no_more_than_its_turn(
    stage: Stage, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    listens(stage, hook.url)
    for number in range(3):
        refused(stage, f"C{number}", NOW, "reason " + "abc"[number])
    look_at(stage, NOW)
    monkeypatch.setattr(notices, "WEBHOOK_SECONDS", 0.2)
    hook.seconds, hook.status = 0.3, 500
    assert tell(stage) == 0
    waiting = "SELECT attempts, due_at > now() FROM alert_notices ORDER BY attempts"
    assert stage.query(waiting) == [(0, True), (0, True), (1, True)]
    hook.seconds, hook.status = 0.0, 204
    stage.query("UPDATE alert_notices SET due_at = now()")
    assert tell(stage) == 3
    first, *rest = [headers["webhook-id"] for headers, _ in hook.requests]
    assert rest[-1] == first, "what waited for its first turn comes before what failed"


def test_an_organization_that_cannot_be_looked_at_keeps_no_other_from_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    async def look(_: object, organization_id: UUID, *__: object, **___: object) -> list[int]:
        looked.append(organization_id)
        raise ZeroDivisionError

    monkeypatch.setattr(watch, "look", look)

    async def worker_tick(connection: psycopg.AsyncConnection[Any]) -> None:
        await watch.tick(_engine(stage, connection), None)  # type: ignore[arg-type]

    in_the_worker(stage, worker_tick)
    assert set(looked) == {stage.alice.organization, stage.charlie.organization}


def test_a_tick_that_fails_unexpectedly_is_logged_and_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = 0

    async def fails(*_: object) -> None:
        nonlocal times
        times += 1
        if times == 3:
            raise asyncio.CancelledError
        raise UnicodeError("label too long")

    chore = worker.Chore("", None, fails, 0.0)
    with capture_logs() as said, pytest.raises(asyncio.CancelledError):
        asyncio.run(worker._look_after(chore, None, None))  # type: ignore[arg-type]
    assert [(one["event"], one["exc_info"]) for one in said] == [("chore_tick_failed", True)] * 2
    times = 0
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(worker, "tick", fails)
    with capture_logs() as said, pytest.raises(asyncio.CancelledError):
        asyncio.run(worker._tick_for_ever(None, None, None))  # type: ignore[arg-type]
    assert [(one["event"], one["exc_info"]) for one in said] == [("tick_failed", True)] * 2
