"""Setting an integration up: a draft keeps what was entered, sends nothing, is turned on once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from bilag.core.problem import Refused
from bilag.delivery.connection_test import ConnectionTests
from bilag.delivery.credentials import NewSecret
from bilag.delivery.drafting import Drafting
from bilag.integrations.start import NewBook, NewIntegration
from bilag.integrations.store import get_integration, save_mapping
from bilag.integrations.vault import read_credentials
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import MAPPING, Stage, api_stage, record
from tests.sandboxes import SandboxProcess, start_sandbox

KEY = "rest-secret-0123456789"


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        running.query("UPDATE organizations SET allowed_networks = '{127.0.0.0/8}'")
        yield running


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with start_sandbox("rest", auth="api_key", api_key=KEY) as process:
        yield process


def verbs(stage: Stage, actor: str = "user ann@example.org") -> Drafting:
    return stage.installation.drafting_of(stage.alice.organization, actor)


def new(**changes: Any) -> NewIntegration:
    book = NewBook(key="second", name="Second book")
    fields = {"key": "second", "name": "Second", "type": "rest", "new_book": book}
    return NewIntegration(**{**fields, **changes})


def settings(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "baseUrl": url,
        "auth": {"kind": "api_key"},
        "company": {"path": "/company", "name": "/name"},
        **changes,
    }


def codes(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [one.code for one in error.value.problems]


def set_up(stage: Stage, sandbox: SandboxProcess) -> Drafting:
    """Bring a draft so far that only its being turned on is missing."""
    drafting = verbs(stage)
    drafting.start(new())
    drafting.save("second", settings(sandbox.url), {"api_key": NewSecret(KEY)})
    tests = stage.installation.connection_tests_of(stage.alice.organization, "user ann")
    assert tests.test("second").report.ok
    _map(stage, "second")
    return drafting


def fields(error: pytest.ExceptionInfo[Refused], code: str) -> list[str]:
    assert {one.code for one in error.value.problems} == {code}
    return [one.field for one in error.value.problems]


def connection_tests(stage: Stage) -> ConnectionTests:
    return stage.installation.connection_tests_of(stage.alice.organization, "user ann")


def opened(stage: Stage, key: str) -> dict[str, str]:
    """Return the stored secrets of an integration in clear."""
    own, vault = stage.alice.organization, stage.installation.vault
    with stage.installation.pool.connection() as connection, organization_scope(connection, own):
        one = get_integration(connection, own, key)
        assert one is not None
        return read_credentials(connection, vault, own, one.id)


def _map(stage: Stage, key: str) -> None:
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        one = get_integration(connection, stage.alice.organization, key)
        assert one is not None
        save_mapping(connection, one.organization_id, one.id, MAPPING, "ann")


def test_a_draft_keeps_what_was_entered_for_whoever_goes_on(stage: Stage) -> None:
    verbs(stage).start(new())
    verbs(stage).keep("second", {"baseUrl": "https://ledg"}, {"api_key": NewSecret(KEY)})

    found = verbs(stage, "user bob@example.org").describe("second")

    assert (found.state, found.integration.book.key) == ("draft", "second")
    assert found.draft is not None
    assert (found.draft.entered, found.draft.version) == ({"baseUrl": "https://ledg"}, 2)
    assert found.draft.changed_by == "user ann@example.org"
    assert [(one.field, one.masked[-4:]) for one in found.credentials] == [("api_key", "6789")]
    assert KEY not in repr(found)
    (sealed,) = stage.query("SELECT sealed FROM credentials WHERE field = 'api_key'")
    assert KEY.encode() not in bytes(sealed[0])


def test_two_who_edit_the_same_draft_do_not_write_over_each_other(stage: Stage) -> None:
    verbs(stage).start(new())
    seen = verbs(stage).describe("second").draft
    assert seen is not None
    verbs(stage, "user bob@example.org").save("second", settings("https://b.example"), {}, 1)

    with pytest.raises(Refused) as refused:
        verbs(stage).save("second", settings("https://a.example"), {}, seen.version)

    assert codes(refused) == ["draft_changed"]
    assert "user bob@example.org" in refused.value.text("nb")
    stored = verbs(stage).describe("second").integration.settings
    assert stored["baseUrl"] == "https://b.example"


def test_nothing_of_a_draft_is_sent(stage: Stage, sandbox: SandboxProcess) -> None:
    set_up(stage, sandbox)
    configured = stage.installation.integrations_of(stage.alice.organization, "ann")
    before = sandbox.requests()
    with pytest.raises(Refused) as refused:
        configured.switch("second", enabled=True)
    assert codes(refused) == ["integration_is_draft"]
    with pytest.raises(psycopg.errors.CheckViolation):
        stage.query("UPDATE organization_integrations SET enabled = true WHERE key = 'second'")
    stage.alice.hand_over(record("C000031"))
    books = stage.query("SELECT b.key FROM exports e JOIN books b ON b.id = e.book_id")
    assert books == [("main",)]
    assert sandbox.requests() == before


def test_what_is_missing_is_told_with_its_step(stage: Stage, sandbox: SandboxProcess) -> None:
    drafting = verbs(stage)
    drafting.start(new())
    assert [step for step, _ in drafting.missing("second")] == ["credentials"]
    drafting.save("second", settings(sandbox.url), {"api_key": NewSecret("wrong-key-000")})
    tests = stage.installation.connection_tests_of(stage.alice.organization, "ann")
    failed = tests.test("second")
    assert not failed.report.ok
    assert failed.problems[0].code == "connector.credentials_refused"
    steps = [(step, one.code) for step, one in drafting.missing("second")]
    assert steps == [("test", "draft_not_tested"), ("fields", "draft_without_mapping")]
    with pytest.raises(Refused) as refused:
        drafting.turn_on("second")
    assert codes(refused) == ["draft_not_tested", "draft_without_mapping"]

    drafting.save("second", settings(sandbox.url), {"api_key": NewSecret(KEY)})
    assert tests.test("second").report.ok
    found = drafting.describe("second")
    assert found.test is not None
    assert (found.test_counts, found.test.company_name) == (True, "Sandbox Organization")
    assert found.runtime.company_id is None, "remembered when it is turned on"
    drafting.save("second", settings(sandbox.url, path="/other"), {})
    assert not drafting.describe("second").test_counts, "other settings were tested"


def test_it_is_turned_on_once_and_remembers_the_company(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    drafting = set_up(stage, sandbox)
    on = drafting.turn_on("second")
    assert (on.is_draft, on.enabled, on.is_route) == (False, True, True)
    found = drafting.describe("second")
    assert (found.state, found.draft) == ("active", None)
    assert found.runtime.company_name == "Sandbox Organization"
    with pytest.raises(Refused) as refused:
        drafting.turn_on("second")
    assert codes(refused) == ["integration_is_set_up"]
    events = [row[0] for row in stage.query("SELECT event FROM change_logs ORDER BY id")]
    assert events[-4:] == [
        "integration.started", "integration.changed", "credential.set", "integration.turned_on",
    ]  # fmt: skip
    logged = stage.query("SELECT detail::text FROM change_logs")
    assert KEY not in str(logged)


def test_a_book_changes_its_route_only_when_that_is_asked_for(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    drafting = verbs(stage)
    drafting.start(NewIntegration(key="second", name="Second", type="rest", book="main"))
    drafting.save("second", settings(sandbox.url), {"api_key": NewSecret(KEY)})
    stage.installation.connection_tests_of(stage.alice.organization, "ann").test("second")
    _map(stage, "second")
    other = drafting.route_of(verbs(stage).describe("second").integration)
    assert other is not None
    assert other.key == "ledger"
    with pytest.raises(Refused) as refused:
        drafting.turn_on("second")
    assert codes(refused) == ["route_taken"]
    drafting.turn_on("second", take_over=True)
    routes = "SELECT key, is_route FROM organization_integrations ORDER BY key"
    assert stage.query(routes) == [("ledger", False), ("second", True)]


def test_a_draft_is_deleted_with_all_that_was_made_for_it(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    drafting = set_up(stage, sandbox)
    drafting.delete("second")
    for table in ("credentials", "mapping_versions", "integration_drafts", "connection_tests"):
        (count,) = stage.query(
            f"SELECT count(*) FROM {table} t JOIN organization_integrations i"
            " ON i.id = t.integration_id WHERE i.key = 'second'"
        )
        assert count == (0,), table
    assert stage.query("SELECT key FROM books") == [("main",)]
    with pytest.raises(LookupError):
        drafting.describe("second")


def test_what_has_history_is_never_deleted_and_mappings_never_alone(stage: Stage) -> None:
    stage.alice.hand_over(record())
    with pytest.raises(Refused) as refused:
        verbs(stage).delete("ledger")
    assert codes(refused) == ["integration_has_history"]
    with psycopg.connect(stage.database.owner_url) as owner, pytest.raises(psycopg.Error):
        owner.execute("DELETE FROM mapping_versions")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "nothing"}, "connector_unknown"), ({"key": "ledger"}, "integration_key_taken"),
        ({"new_book": NewBook(key="main", name="x")}, "book_key_taken"),
        ({"new_book": None, "book": "gone"}, "book_unknown"),
        ({"key": "new"}, "integration_key_of_none"),
    ],
)  # fmt: skip
def test_what_cannot_be_begun_leaves_nothing(
    stage: Stage, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        verbs(stage).start(new(**changes))
    assert codes(refused) == [code]
    assert stage.query("SELECT key FROM organization_integrations") == [("ledger",)]
    assert stage.query("SELECT key FROM books") == [("main",)]


def test_faults_in_settings_are_named_and_nothing_is_stored(stage: Stage) -> None:
    verbs(stage).start(new())
    bad = {"baseUrl": "ledger", "settleSeconds": -1, "nothing": 1}
    with pytest.raises(Refused) as refused:
        verbs(stage).save("second", bad, {"api_key": NewSecret(KEY)})
    found = {one.field: one.code for one in refused.value.problems}
    assert found == {
        "settings.baseUrl": "value_not_valid",
        "settings.settleSeconds": "value_number_small",
        "settings.nothing": "value_unknown",
    }
    with pytest.raises(Refused) as refused:
        verbs(stage).save("second", settings("https://a.example"), {"pin": NewSecret(KEY)})
    assert codes(refused) == ["secret_unknown"]
    assert verbs(stage).describe("second").credentials == []


def test_settings_in_use_change_only_when_their_test_passes(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    drafting = set_up(stage, sandbox)
    drafting.turn_on("second")
    old = drafting.describe("second").integration.settings
    wrong = {**old, "auth": {"kind": "bearer"}}
    with pytest.raises(Refused) as refused:
        drafting.change(
            "second", name="Second", settings=wrong, secrets={"bearer_token": NewSecret("nope-9")}
        )
    assert codes(refused) == ["settings_check_failed"]
    found = drafting.describe("second")
    assert found.integration.settings == old
    assert [one.field for one in found.credentials] == ["api_key"]

    slower = {**old, "settleSeconds": 60.0}
    drafting.change("second", name="Ours", settings=slower, secrets={}, seen=old)
    assert drafting.describe("second").integration.name == "Ours"
    with pytest.raises(Refused) as refused:
        drafting.change("second", name="Ours", settings=old, secrets={}, seen=old)
    assert codes(refused) == ["settings_changed_meanwhile"]


def test_an_outsider_finds_no_draft_and_no_list(stage: Stage, sandbox: SandboxProcess) -> None:
    set_up(stage, sandbox)
    outsider = stage.installation.drafting_of(stage.charlie.organization, "eve")
    for ask in (outsider.describe, outsider.delete, outsider.missing, outsider.turn_on):
        with pytest.raises(LookupError):
            ask("second")
    with pytest.raises(LookupError):
        outsider.suggest("second", "accounts", "7")
    assert [len(one.integrations) for one in outsider.types() if one.type == "rest"] == [1]


@pytest.fixture
def elsewhere() -> Iterator[SandboxProcess]:
    with start_sandbox("rest", auth="none") as process:
        yield process


def test_a_stored_secret_does_not_follow_to_another_host(
    stage: Stage, sandbox: SandboxProcess, elsewhere: SandboxProcess
) -> None:
    drafting = set_up(stage, sandbox)
    drafting.turn_on("second")
    old = drafting.describe("second").integration.settings
    there = {**old, "baseUrl": elsewhere.url}

    with pytest.raises(Refused) as refused:
        drafting.change("second", name="Second", settings=there, secrets={})
    assert fields(refused, "secret_again") == ["api_key"]
    header = {**old, "auth": {"kind": "api_key", "apiKeyHeader": "User-Agent"}}
    with pytest.raises(Refused) as refused:
        drafting.change("second", name="Second", settings=header, secrets={})
    assert fields(refused, "secret_again") == ["api_key"]
    answer = stage.alice.ask(
        "PUT", "/api/v1/integrations/second", {"name": "Second", "settings": there}
    )
    assert answer.status_code == 422
    assert b"secret_again" in answer.content
    assert elsewhere.requests()["total"] == 0, "nothing was sent there"
    assert drafting.describe("second").integration.settings == old

    drafting.change("second", name="Second", settings={**old, "settleSeconds": 9.0}, secrets={})
    typed = {"credentials": {"api_key": {"secret": "for-the-other-host"}}}
    answer = stage.alice.ask(
        "PUT", "/api/v1/integrations/second", {"name": "Second", "settings": there, **typed}
    )
    assert answer.status_code == 200, answer.content
    assert opened(stage, "second") == {"api_key": "for-the-other-host"}
    assert stage.query("SELECT count(*) FROM kept_credentials") == [(0,)]


def test_a_secret_of_another_login_is_removed_when_the_host_changes(
    stage: Stage, sandbox: SandboxProcess, elsewhere: SandboxProcess
) -> None:
    drafting = set_up(stage, sandbox)
    drafting.turn_on("second")
    old = drafting.describe("second").integration.settings
    without = {**old, "baseUrl": elsewhere.url, "auth": {"kind": "none"}}
    drafting.change("second", name="Second", settings=without, secrets={})
    assert opened(stage, "second") == {}, "a login that is chosen later would have sent it"
    assert stage.query("SELECT subject FROM change_logs WHERE event = 'credential.removed'") == [
        ("credential second.api_key",)
    ]


def test_a_secret_of_a_draft_does_not_follow_either(
    stage: Stage, sandbox: SandboxProcess, elsewhere: SandboxProcess
) -> None:
    drafting = verbs(stage)
    drafting.start(new())
    drafting.keep("second", {"baseUrl": sandbox.url}, {"api_key": NewSecret(KEY)})
    with pytest.raises(Refused) as refused:
        connection_tests(stage).test("second")
    assert codes(refused) == ["draft_not_entered"]
    for change in (
        lambda: drafting.save("second", settings(elsewhere.url), {}),
        lambda: drafting.keep("second", {"baseUrl": elsewhere.url}, {}),
    ):
        with pytest.raises(Refused) as refused:
            change()
        assert fields(refused, "secret_again") == ["api_key"]
    header = {"kind": "api_key", "apiKeyHeader": "X-API-Key"}
    drafting.keep("second", {"baseUrl": sandbox.url, "auth.apiKeyHeader": "X-API-Key"},
                  {"api_key": NewSecret(KEY)})  # fmt: skip
    drafting.save("second", settings(f"{sandbox.url}/", auth=header), {})
    assert connection_tests(stage).test("second").report.ok
    with pytest.raises(Refused) as refused:
        drafting.save("second", settings(elsewhere.url), {})
    assert fields(refused, "secret_again") == ["api_key"]
    assert elsewhere.requests()["total"] == 0


def at_once(*asked: Callable[[], object]) -> list[object]:
    """Ask all at once; return for each its answer or the problems of its refusal."""

    def answer(one: Callable[[], object]) -> object:
        try:
            return one()
        except Refused as refused:
            return [problem.code for problem in refused.problems]

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(answer, asked))


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.02])
def test_what_is_saved_while_it_is_turned_on_is_tested_or_refused(
    stage: Stage, sandbox: SandboxProcess, pause: float
) -> None:
    drafting = set_up(stage, sandbox)

    def save() -> object:
        time.sleep(pause)
        other = settings(sandbox.url, path="/untested")
        drafting.save("second", other, {"api_key": NewSecret("untested-0123")})
        return "saved"

    def turn_on() -> object:
        drafting.turn_on("second")
        return "on"

    told = at_once(turn_on, save)
    assert told in (["on", ["integration_is_set_up"]], [["draft_not_tested"], "saved"])
    found = drafting.describe("second").integration
    if told[0] == "on":
        assert (found.is_draft, found.settings.get("path")) == (False, None)
        assert opened(stage, "second") == {"api_key": KEY}
    else:
        assert (found.is_draft, found.settings["path"]) == (True, "/untested")


@pytest.mark.parametrize("what", ["save", "keep", "rename"])
def test_a_draft_that_is_on_by_now_is_not_written_back(
    stage: Stage, sandbox: SandboxProcess, what: str
) -> None:
    drafting = set_up(stage, sandbox)
    change: dict[str, Callable[[], object]] = {
        "save": lambda: drafting.save("second", settings(sandbox.url), {}),
        "keep": lambda: drafting.keep("second", {"baseUrl": sandbox.url}, {}),
        "rename": lambda: drafting.rename("second", "Ours", "second"),
    }
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(stage.database.owner_url) as owner,
    ):
        # what turning it on has written and not committed yet
        owner.execute(
            "UPDATE organization_integrations SET is_draft = false, enabled = true,"
            " is_route = true WHERE key = 'second'"
        )
        waiting = pool.submit(at_once, change[what])
        time.sleep(0.3)
        assert not waiting.done()
        owner.commit()
        assert waiting.result() == [["integration_is_set_up"]]
    found = drafting.describe("second").integration
    assert (found.is_draft, found.enabled, found.name) == (False, True, "Second")


def test_a_credential_that_was_tested_elsewhere_is_not_stored(
    stage: Stage, sandbox: SandboxProcess
) -> None:
    drafting = set_up(stage, sandbox)
    drafting.turn_on("second")
    credentials = stage.installation.credentials_of(stage.alice.organization, "ann")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(stage.database.owner_url) as owner:
        owner.execute(
            "UPDATE organization_integrations SET settings = settings || %s WHERE key = 'second'",
            [Jsonb({"baseUrl": "http://127.0.0.1:9"})],
        )
        new_one = {"api_key": NewSecret(KEY)}
        waiting = pool.submit(at_once, lambda: credentials.replace("second", new_one))
        time.sleep(1)
        owner.commit()
        assert waiting.result() == [["settings_changed_meanwhile"]]
