"""O7: alerts reach people by e-mail, over a real SMTP server, and a webhook by signed requests."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bilag.app.migrate import setup_django
from bilag.core.problem import Refused
from bilag.integrations.rotation import rotate_data_key
from bilag.monitoring.notices import WAIT_SECONDS, send_due
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner
from tests.database.tell_stage import Hook, Mailbox, a_hook, a_mailbox, listens, people, tell
from tests.database.watch_stage import bound, error, in_the_worker, look_at, refused, runtime

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


def test_people_of_the_role_are_mailed_in_their_organizations_language(
    stage: Stage, mailbox: Mailbox
) -> None:
    people(stage, admin="admin", accountant="accountant", coordinator="coordinator")
    bound(stage, mail_roles=["admin", "accountant"])
    stage.query("UPDATE organizations SET language = 'nn'")
    refused(stage, "C000017", NOW, "Konto 7140 finst ikkje")
    refused(stage, "C000018", NOW, "Kostnadsstad manglar")
    look_at(stage, NOW, mail=True)
    assert tell(stage) == 2
    assert {m["To"] for m in mailbox.messages} == {"admin@example.org", "accountant@example.org"}
    text = mailbox.read("admin@example.org")
    assert "rekneskapssystemet avviste 1 krav, mellom dei C000017" in text
    assert "Konto 7140 finst ikkje" in text
    assert "Kostnadsstad manglar" in text
    assert (
        "Mislukka krav i Ledger: https://bilag.example.org/o/alice/failed?integration=ledger"
        in text
    )
    assert "2 nye varsel" in mailbox.messages[0]["Subject"]
    assert tell(stage) == 0, "once"


def test_global_admins_are_told_of_many_errors_only(stage: Stage, mailbox: Mailbox) -> None:
    people(stage, admin="admin", accountant="accountant")
    bound(stage, mail_roles=["admin", "accountant"], errors_max=0)
    with connect_owner(stage) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('operator@example.org')")
    refused(stage, "C1", NOW)
    error(stage, NOW)
    look_at(stage, NOW, mail=True)
    tell(stage)
    assert "1 feil de siste 24 timene" in mailbox.read("operator@example.org")
    assert "https://bilag.example.org/admin-overview?named=alice" in mailbox.read(
        "operator@example.org"
    )
    assert "avviste" not in mailbox.read("operator@example.org")
    assert "avviste" in mailbox.read("accountant@example.org")
    assert "grensen" not in mailbox.read("accountant@example.org")
    assert "grensen" in mailbox.read("admin@example.org")


def test_a_mail_server_that_is_away_is_tried_again(stage: Stage, mailbox: Mailbox) -> None:
    people(stage, admin="admin")
    refused(stage, "C1", NOW)
    look_at(stage, NOW, mail=True)
    mailbox.refuses = True
    assert tell(stage) == 0
    ((attempts, why, waits),) = stage.query(
        "SELECT attempts, error, due_at > now() FROM alert_notices"
    )
    assert (attempts, waits) == (1, True)
    assert "451" in why
    assert tell(stage) == 0, "not before its time"
    mailbox.refuses = False
    stage.query("UPDATE alert_notices SET due_at = now()")
    assert tell(stage) == 1
    assert len(mailbox.messages) == 1


def test_without_a_mail_server_nothing_waits_for_one(stage: Stage) -> None:
    people(stage, admin="admin")
    refused(stage, "C1", NOW)
    assert look_at(stage, NOW) == ["refusal"]
    assert stage.query("SELECT count(*) FROM alert_notices") == [(0,)]


def test_the_webhook_is_signed_by_standard_webhooks(stage: Stage, hook: Hook) -> None:
    secret = listens(stage, hook.url)
    refused(stage, "C000017", NOW)
    look_at(stage, NOW, mail=True)
    assert tell(stage) == 1
    ((headers, body),) = hook.requests
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "alert.opened"
    assert told["data"]["organization"] == "alice"
    assert told["data"]["integration"] == "ledger"
    assert "C000017" in told["data"]["message"]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"C000017", b"C000018"), headers)
    stored = stage.query("SELECT sealed::text FROM organization_secrets")[0][0]
    assert secret not in stored
    assert secret.encode().hex() not in stored


def test_a_webhook_that_does_not_take_it_gets_the_same_id_again(stage: Stage, hook: Hook) -> None:
    listens(stage, hook.url)
    refused(stage, "C1", NOW)
    look_at(stage, NOW)
    hook.status = 302
    for attempt in range(1, len(WAIT_SECONDS) + 2):
        assert tell(stage) == 0, "a redirect is not followed"
        assert len(hook.requests) == attempt
        stage.query("UPDATE alert_notices SET due_at = now()")
    assert stage.query("SELECT given_up_at IS NOT NULL, error FROM alert_notices") == [
        (True, "answered 302")
    ]
    assert tell(stage) == 0
    assert len({headers["webhook-id"] for headers, _ in hook.requests}) == 1


def test_a_webhook_goes_to_allowed_targets_only(stage: Stage, hook: Hook) -> None:
    stage.query("UPDATE organizations SET allowed_networks = '{}'")
    listens(stage, hook.url)
    refused(stage, "C1", NOW)
    look_at(stage, NOW)
    assert tell(stage) == 0
    assert hook.requests == []
    ((why,),) = stage.query("SELECT error FROM alert_notices")
    assert "private or local address" in why


def test_the_secret_outlives_a_new_data_key(stage: Stage, hook: Hook) -> None:
    secret = listens(stage, hook.url)
    before = stage.query("SELECT data_key_id, sealed FROM organization_secrets")
    with stage.installation.pool.connection() as connection:
        steps = list(
            rotate_data_key(
                connection, stage.installation.vault, stage.alice.organization, lambda *_: None
            )
        )
    assert "1 organization_secrets sealed anew" in steps
    assert stage.query("SELECT data_key_id, sealed FROM organization_secrets") != before
    refused(stage, "C1", NOW)
    look_at(stage, NOW)
    assert tell(stage) == 1
    ((headers, body),) = hook.requests
    Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org/", "https://user:pass@example.org/", "https:///x", "example.org", "https://[",
     "https://example.org/a b"],
)  # fmt: skip
def test_an_address_that_cannot_be_called_is_refused(stage: Stage, address: str) -> None:
    with pytest.raises(Refused) as refusal:
        listens(stage, address)
    assert [(p.code, p.field) for p in refusal.value.problems] == [
        ("watch_webhook_address", "webhook_url")
    ]


def test_what_was_changed_stands_in_the_audit_log_without_the_secret(
    stage: Stage, hook: Hook
) -> None:
    secret = listens(stage, hook.url)
    events = stage.query("SELECT event, detail::text FROM change_logs ORDER BY id")
    assert [event for event, _ in events] == ["watch.changed", "watch.webhook_secret"]
    assert json.loads(events[0][1])["after"] == {"mail_roles": [], "webhook_url": hook.url}
    assert all(secret[6:] not in detail for _, detail in events)


def test_two_workers_tell_it_once(stage: Stage, hook: Hook) -> None:
    listens(stage, hook.url)
    refused(stage, "C1", NOW)
    look_at(stage, NOW)

    async def both(connection: psycopg.AsyncConnection[Any]) -> list[int]:
        async with await psycopg.AsyncConnection.connect(
            stage.database.application_url, autocommit=True
        ) as other:
            vault = stage.installation.vault
            return list(
                await asyncio.gather(send_due(connection, vault, ""), send_due(other, vault, ""))
            )

    assert sum(in_the_worker(stage, both)) == 1
    assert len(hook.requests) == 1
