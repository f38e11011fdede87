"""The accounting system's callback: proven, fresh, once; and it never sets a state by itself."""

import base64
import hmac
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.http import HttpResponse

from bilag.core.problem import Refused
from bilag.delivery.credentials import NewSecret
from bilag.integrations.vault import put_credential
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import EXPORTS, Person, Stage, api_stage, problem, record

KEY = b"sixteen bytes or more"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"status": "exported", "voucherNumber": "V-9"}'


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def _give_secret(stage: Stage, secret: str = SECRET) -> None:
    person = stage.alice
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, person.organization),
    ):
        put_credential(
            connection, stage.installation.vault, person.organization, person.integration,
            "callback_secret", secret, "test",
        )  # fmt: skip


def _doubtful(stage: Stage, reason: str = "look_up_failed") -> int:
    stage.alice.hand_over(record())
    export_id = stage.alice.export_id("C000017")
    stage.bring(export_id, "sending", "in_doubt", reason=f'{{"code": "{reason}"}}')
    stage.query("UPDATE exports SET due_at = now() + interval '1 hour'")
    stage.query("DELETE FROM procrastinate_jobs")
    return export_id


def _call(
    person: Person, export_id: int, *, message: str = "m1", age: float = 0, key: bytes = KEY,
    body: bytes = BODY, signed: bytes | None = None,
) -> HttpResponse:  # fmt: skip
    timestamp = str(int(time.time() - age))
    content = f"{message}.{timestamp}.".encode() + (body if signed is None else signed)
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return person.ask(
        "PUT", f"{EXPORTS}/{export_id}", body, Webhook_Id=message, Webhook_Timestamp=timestamp,
        Webhook_Signature=f"v1,AAAA v1,{signature}",
    )  # fmt: skip


def _state(stage: Stage) -> tuple[str, bool, int]:
    (row,) = stage.query(
        "SELECT state, due_at <= now(), (SELECT count(*)::int FROM procrastinate_jobs) FROM exports"
    )
    return row


WAITING = ("in_doubt", False, 0)
HURRIED = ("in_doubt", True, 1)


def test_without_a_secret_every_callback_is_refused(stage: Stage) -> None:
    found = problem(_call(stage.alice, _doubtful(stage)), 403)

    assert found["code"] == "callback_not_configured"
    assert _state(stage) == WAITING


@pytest.mark.parametrize("secret", [SECRET, KEY.decode()])
def test_a_signed_callback_hurries_the_look_up_and_sets_no_state(stage: Stage, secret: str) -> None:
    _give_secret(stage, secret)

    response = _call(stage.alice, _doubtful(stage))

    assert (response.status_code, response.content) == (204, b"")
    assert _state(stage) == HURRIED
    assert stage.query("SELECT external_voucher_number FROM exports") == [(None,)]


@pytest.mark.parametrize("reason", ["no_clear_answer", "worker_lost", "restored"])
def test_the_first_look_up_of_an_attempt_is_never_hurried(stage: Stage, reason: str) -> None:
    _give_secret(stage)

    assert _call(stage.alice, _doubtful(stage, reason)).status_code == 204
    assert _state(stage) == WAITING


def test_a_callback_about_a_finished_export_changes_nothing(stage: Stage) -> None:
    _give_secret(stage)
    export_id = _doubtful(stage)
    stage.bring(export_id, "exported")

    assert _call(stage.alice, export_id).status_code == 204
    assert _state(stage) == ("exported", False, 0)


def test_a_callback_is_taken_once(stage: Stage) -> None:
    _give_secret(stage)
    export_id = _doubtful(stage)

    assert _call(stage.alice, export_id).status_code == 204
    stage.query("UPDATE exports SET due_at = now() + interval '1 hour'")
    assert problem(_call(stage.alice, export_id), 409)["code"] == "callback_replayed"
    assert _state(stage)[1] is False
    assert _call(stage.alice, export_id, message="m2").status_code == 204
    assert _state(stage)[1] is True


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"key": b"another key entirely"}, "callback_signature_not_valid"),
        ({"signed": b"{}"}, "callback_signature_not_valid"),
        ({"message": "with space in it"}, "callback_signature_not_valid"),
        ({"age": 301}, "callback_too_old"),
        ({"age": -302}, "callback_too_old"),
    ],
)
def test_a_callback_that_is_not_proven_or_not_fresh_is_refused(
    stage: Stage, call: dict[str, object], code: str
) -> None:
    _give_secret(stage)
    export_id = _doubtful(stage)

    assert problem(_call(stage.alice, export_id, **call), 403)["code"] == code  # type: ignore[arg-type]
    assert _state(stage) == WAITING
    # what was refused does not use up the message's id
    assert _call(stage.alice, export_id).status_code == 204


def test_an_unsigned_callback_is_refused(stage: Stage) -> None:
    _give_secret(stage)
    export_id = _doubtful(stage)

    response = stage.alice.ask("PUT", f"{EXPORTS}/{export_id}", BODY)

    assert problem(response, 403)["code"] == "callback_signature_not_valid"
    assert _state(stage) == WAITING


def test_an_outsider_with_the_secret_reaches_nothing(stage: Stage) -> None:
    _give_secret(stage)

    assert problem(_call(stage.charlie, _doubtful(stage)), 404)
    assert _state(stage) == WAITING


def test_a_message_counts_once_for_the_integration_whichever_export_it_is_sent_to(
    stage: Stage,
) -> None:
    _give_secret(stage)
    export_id = _doubtful(stage)
    stage.alice.hand_over(record("C000018"))
    other = stage.alice.export_id("C000018")

    assert _call(stage.alice, export_id).status_code == 204
    assert problem(_call(stage.alice, other), 409)["code"] == "callback_replayed"


def test_of_the_same_message_many_times_at_once_one_is_taken(stage: Stage) -> None:
    _give_secret(stage)
    export_id = _doubtful(stage)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _call(stage.alice, export_id).status_code, range(8)))

    assert sorted(answers) == [204, *[409] * 7]
    assert _state(stage) == HURRIED


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "guess me"])
def test_a_secret_that_can_be_guessed_is_never_believed(stage: Stage, secret: str) -> None:
    _give_secret(stage, secret)
    export_id = _doubtful(stage)

    for key in (b"", b"short", secret.encode()):
        found = problem(_call(stage.alice, export_id, key=key), 403)
        assert found["code"] == "callback_not_configured"
    assert _state(stage) == WAITING


def test_a_secret_that_can_be_guessed_is_refused_when_it_is_set(stage: Stage) -> None:
    credentials = stage.installation.credentials_of(stage.alice.organization, actor="test")

    with pytest.raises(Refused) as refused:
        credentials.replace("ledger", {"callback_secret": NewSecret("whsec_")}, test=False)

    assert refused.value.problems[0].code == "callback_secret_weak"
    assert stage.query("SELECT count(*) FROM credentials") == [(0,)]
