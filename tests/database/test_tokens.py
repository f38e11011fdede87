"""API tokens: made, listed and ended with an entry in the audit log; their use is noted (X3)."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from django.test import RequestFactory, override_settings

from bilag.api.attempts import WRONG_MAX, client_address
from bilag.core.problem import Refused
from bilag.delivery.tokens import ApiTokens
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage, connect_owner, problem

STATUS = "/api/v1/status"


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        yield running


def _tokens(stage: Stage, organization: UUID | None = None) -> ApiTokens:
    own = organization or stage.alice.organization
    return stage.installation.tokens_of(own, "user admin@example.org")


def test_making_and_ending_a_token_stands_in_the_audit_log(stage: Stage) -> None:
    tokens = _tokens(stage)
    token = tokens.make(" Expense app ", ["exports:read", "records:write", "exports:read"], 30)
    made = tokens.listed()[0]
    assert (made.name, made.last_four, made.in_use) == ("Expense app", token[-4:], True)
    assert list(made.scopes) == ["exports:read", "records:write"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert stage.alice.ask("GET", STATUS, **bearer).status_code == 200
    assert tokens.end(made.id).name == "Expense app"
    assert stage.alice.ask("GET", STATUS, **bearer).status_code == 401
    assert tokens.find(made.id).in_use is False
    events = stage.query("SELECT event, actor, subject, detail FROM change_logs ORDER BY at")
    assert [row[:3] for row in events] == [
        ("token.created", "user admin@example.org", "token Expense app"),
        ("token.revoked", "user admin@example.org", "token Expense app"),
    ]
    assert events[0][3] == {
        "id": str(made.id), "scopes": ["exports:read", "records:write"], "days": 30,
    }  # fmt: skip
    assert token not in json.dumps(str(events))


def test_a_token_that_is_refused_or_unknown_changes_nothing(stage: Stage) -> None:
    tokens = _tokens(stage)
    with pytest.raises(Refused) as refused:
        tokens.make("x" * 201, ["everything"], 0)
    assert [one.code for one in refused.value.problems] == [
        "value_text_long", "token_scope_unknown", "token_days",
    ]  # fmt: skip
    (own,) = tokens.listed()
    with pytest.raises(LookupError):
        tokens.end(uuid4())
    with pytest.raises(LookupError):
        _tokens(stage, stage.charlie.organization).end(own.id)
    assert stage.alice.ask("GET", STATUS).status_code == 200
    tokens.end(own.id)
    with pytest.raises(LookupError):
        tokens.end(own.id)
    assert stage.query("SELECT event FROM change_logs") == [("token.revoked",)]


def test_use_is_noted_once_an_hour(stage: Stage) -> None:
    tokens = _tokens(stage)

    def versions() -> list[tuple[object, ...]]:
        return stage.query("SELECT xmin::text, last_used_at FROM api_tokens")

    assert tokens.listed()[0].last_used_at is None
    stage.alice.ask("GET", STATUS)
    first = versions()
    assert first[0][1] is not None
    for _ in range(5):
        stage.alice.ask("GET", STATUS)
    assert versions() == first, "not written again within the hour"
    stage.query("UPDATE api_tokens SET last_used_at = now() - interval '61 minutes'")
    old = versions()
    stage.alice.ask("GET", STATUS)
    assert versions()[0][1] > old[0][1]  # type: ignore[operator]
    assert tokens.listed()[0].last_used_at == versions()[0][1]


def test_a_token_that_somebody_is_changing_is_not_waited_for(stage: Stage) -> None:
    with connect_owner(stage) as owner, owner.transaction():
        owner.execute("SELECT FROM api_tokens FOR UPDATE")
        assert stage.alice.ask("GET", STATUS).status_code == 200
    assert _tokens(stage).listed()[0].last_used_at is None


def test_scopes_contain_no_more_than_they_say(stage: Stage) -> None:
    runs, everything = "/api/v1/accounting-exports/runs", "/api/v1/accounting-exports"
    for scope, allowed in (
        ("runs:read", {runs: 200, everything: 403}),
        ("exports:read", {runs: 200, everything: 200}),
        ("exports:write", {runs: 403, everything: 403}),
        ("configuration:write", {runs: 403, everything: 403}),
    ):
        stage.alice.token = stage.token(scope)
        found = {path: stage.alice.ask("GET", path).status_code for path in allowed}
        assert found == allowed, scope


def test_tokens_are_not_tried_out_for_long(stage: Stage) -> None:
    def ask(token: str, address: str = "198.51.100.7") -> int:
        response = stage.alice.client.get(
            STATUS, headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR=address
        )
        if response.status_code == 429:
            found = problem(response, 429)  # type: ignore[arg-type]
            assert found["code"] == "attempts_too_many"
            assert 1 <= int(response["Retry-After"]) <= 60
            assert f" {response['Retry-After']} " in found["detail"]
        return int(response.status_code)

    assert ask(stage.alice.token) == 200
    guessed = [ask("bilag_" + f"{number:040}") for number in range(WRONG_MAX + 30)]
    assert guessed == [401] * (WRONG_MAX - 1) + [429] * 31
    assert ask(stage.alice.token) == 200, "the app behind the same address goes on"
    new = stage.token("exports:read")
    assert ask(new) == 429, "a token that was never seen waits with the others of this address"
    assert ask(new, "198.51.100.8") == 200
    assert ask(new) == 200, "and is known from then on"


def test_what_is_guessed_beyond_the_limit_is_not_even_looked_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def count(connection: psycopg.Connection[object], token: str) -> None:
        looked.append(token)

    monkeypatch.setattr("bilag.api.auth.authenticate", count)
    for number in range(100):
        stage.alice.ask("GET", STATUS, Authorization=f"Bearer bilag_{number:040}")
    assert len(looked) == WRONG_MAX


@pytest.mark.parametrize(
    ("ours", "passed", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1, 203.0.113.9, 192.0.2.3", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
    ],
)
def test_only_what_our_own_servers_say_of_an_address_counts(
    stage: Stage, ours: int, passed: str, address: str
) -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": passed} if passed else {})
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=ours):
        assert client_address(request) == address
