"""The configuration as a file (C15): out and in again, hostile files, copies to elsewhere."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from psycopg.types.json import Jsonb

from bilag.core.problem import Refused
from bilag.integrations.start import NewBook, NewIntegration
from bilag.integrations.store import get_integration
from bilag.integrations.vault import put_credential
from bilag.tenants.members import save_member
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import problem
from tests.portal.stage import Portal
from tests.portal.test_sending_data import changes, errors, hidden

API = "/api/v1/configuration"
SECRET = "a-secret-that-nobody-may-see-4711"
SEEN = "bilag-canary-of-the-environment"


def address(portal: Portal, name: str = "") -> str:
    return portal.page(f"settings/configuration{name}")


def downloaded(portal: Portal) -> dict[str, Any]:
    answer = portal.browser().get(address(portal, "/file"))
    assert answer["Content-Disposition"] == 'attachment; filename="alice.yaml"'
    found: dict[str, Any] = yaml.safe_load(answer.content)
    return found


def upload(portal: Portal, content: str | bytes, browser: Client | None = None) -> str:
    """Upload a file and return the page that answers."""
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("alice.yaml", data)
    answer = (browser or portal.browser()).post(address(portal), {"configuration": file})
    assert answer.status_code == 200
    return answer.content.decode()


def one(**changed: Any) -> str:
    return yaml.safe_dump({"organizations": [{"slug": "alice", "name": "alice", **changed}]})


def nothing_has_changed(portal: Portal) -> None:
    assert changes(portal) == []
    assert portal.stage.query("SELECT name, allowed_networks FROM organizations") == [
        ("alice", ["127.0.0.0/8"])
    ]
    assert portal.stage.query("SELECT enabled FROM organization_integrations") == [(True,)]


def test_what_is_downloaded_changes_nothing_when_it_is_taken_in(portal: Portal) -> None:
    found = downloaded(portal)
    (entry,) = found["organizations"]
    assert "members" not in entry
    assert "allowedNetworks" not in entry
    assert "credentials" not in json.dumps(found)
    assert "would change nothing" in upload(portal, yaml.safe_dump(found))
    told = portal.stage.alice.get(API)
    assert told == found
    asked = portal.stage.alice.ask("POST", f"{API}/preview", told)
    assert json.loads(asked.content) == {"changes": []}


def test_changes_are_looked_over_before_they_are_made(portal: Portal) -> None:
    found = downloaded(portal)
    (entry,) = found["organizations"]
    entry["closedPeriods"] = "ask"
    entry["integrations"][0]["settings"]["baseUrl"] = "https://new.example.com"
    browser = portal.browser()
    page = upload(portal, yaml.safe_dump(found), browser)
    assert "2 changes" in page
    assert "closedPeriods: from stop to ask" in page
    assert "https://new.example.com" in page
    nothing_has_changed(portal)
    text = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert text
    sent = text[1].replace("&#x27;", "'").replace("&quot;", '"')
    seen = hidden(page, "seen")

    portal.stage.query("UPDATE organizations SET closed_periods = 'first_open_day'")
    moved = browser.post(address(portal, "/take-in"), {"text": sent, "seen": seen})
    assert "from first_open_day to ask" in moved.content.decode()
    assert portal.stage.query("SELECT closed_periods FROM organizations") == [("first_open_day",)]
    unseen = browser.post(address(portal, "/take-in"), {"text": sent})
    assert "Make these changes" in unseen.content.decode()

    made = browser.post(
        address(portal, "/take-in"),
        {"text": sent, "seen": hidden(moved.content.decode(), "seen")}, follow=True,
    )  # fmt: skip
    assert "2 changes are made." in made.content.decode()
    assert portal.stage.query("SELECT closed_periods FROM organizations") == [("ask",)]
    assert {actor for actor, _, _ in changes(portal)} == {"user admin@example.org"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "Organizations"),
        ("[1, 2", "not valid YAML"),
        ("organizations: 5", "cannot be used"),
        ("organizations: []", "says nothing about the organization"),
        ("organizations: [5]", "this organization (alice) only"),
        (yaml.safe_dump({"organizations": [{"slug": "charlie", "name": "x"}]}), "(alice) only"),
        (yaml.safe_dump({"organizations": [{"slug": "alice", "name": "a"},
                                           {"slug": "nobody", "name": "x"}]}), "(alice) only"),
        (one(slogan="x"), "not a known name"),
        (one(members=[{"subject": "eve@example.org", "role": "admin"}]), "page of members"),
        (one(members=[]), "page of members"),
        (one(allowedNetworks=["10.0.0.0/8"]), "whoever operates bilag"),
        (one(declaration={"templateId": "x"}), "Is missing"),
        (one(excludedFeatures=[{"feature": "   "}]), "Write what is excluded"),
        (one(integrations=[{"key": "ledger", "name": "L", "type": "rest", "book": "main",
                            "settings": {}, "filters": {"categories": []}}]), "at least one"),
        ("organizations: !!python/object:os.system x", "not valid YAML"),
        ("a: &a {b: *a}", "not valid YAML"),
        ("[" * 50_000, "not valid YAML"),
        ("\x00", "not valid YAML"),
        ('organizations: [{slug: alice, name: "a\\0"}]', "invisible control character"),
        ('organizations: [{slug: alice, name: "\\u202egpj"}]', "cannot be used here"),
        ('organizations: [{slug: alice, "a\\0": 1}]', "invisible control character"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_and_changes_nothing(
    portal: Portal, content: str, told: str
) -> None:
    page = errors(upload(portal, content)).casefold()
    assert told.casefold() in page or (not content and "configuration file" in page)
    nothing_has_changed(portal)


def test_bombs_and_giants_are_refused(portal: Portal) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert "too many values" in errors(upload(portal, bomb))
    assert "too large" in errors(upload(portal, "#" * (10 * 1024 * 1024)))
    assert "too many values" in errors(upload(portal, "- a\n" * 250_000))
    many = errors(upload(portal, one() + "".join(f"  x{n}: 1\n" for n in range(40_000))))
    assert many.count("Is not a known name here") == 100
    assert "and 39900 more" in many
    assert "not UTF-8" in errors(upload(portal, b"name: \xff\xfe\x00"))
    assert "too large" in errors(upload(portal, "#" * (17 * 1024 * 1024)))
    nothing_has_changed(portal)


@pytest.mark.parametrize(
    "credentials",
    [
        {"api_key": SECRET}, {"api_key": "env:BILAG_TEST_CANARY"}, {"api_key": "file:/etc/passwd"},
        {"api_key": {"secret": SECRET}}, {}, SECRET,
    ],
)  # fmt: skip
def test_a_file_sets_no_secret_and_is_never_repeated(
    portal: Portal, credentials: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILAG_TEST_CANARY", SEEN)
    found = downloaded(portal)
    found["organizations"][0]["integrations"][0]["credentials"] = credentials
    text = yaml.safe_dump(found)
    pages = [
        upload(portal, text),
        portal.browser().post(address(portal, "/take-in"), {"text": text}).content.decode(),
        portal.stage.alice.ask("PUT", API, found).content.decode(),
        portal.stage.alice.ask("POST", f"{API}/preview", found).content.decode(),
    ]
    for page in pages:
        assert "Credentials are not taken from a file" in page
        assert SECRET not in page
        assert SEEN not in page
        assert "root:" not in page
    assert portal.stage.query("SELECT count(*) FROM credentials") == [(0,)]
    nothing_has_changed(portal)


@pytest.mark.parametrize("mapping", ["file:/etc/passwd", {"claimants": "file:/etc/passwd"}])
def test_a_file_reads_no_file_of_the_server(portal: Portal, mapping: Any) -> None:
    found = downloaded(portal)
    found["organizations"][0]["integrations"][0]["mapping"] = mapping
    page = upload(portal, yaml.safe_dump(found))
    assert "cannot refer to other files" in page
    assert "root:" not in page
    refused = problem(portal.stage.alice.ask("PUT", API, found), 422)
    assert refused["code"] == "upload_file_reference"
    nothing_has_changed(portal)


def test_the_api_takes_a_configuration_in_and_follows_it(portal: Portal) -> None:
    found = downloaded(portal)
    (entry,) = found["organizations"]
    entry["excludedFeatures"] = [{"feature": "Course registration", "why": "elsewhere"}]
    entry["integrations"][0]["filters"] = {"categories": ["expense"]}
    told = json.loads(portal.stage.alice.ask("PUT", API, found).content)
    assert [change["subject"] for change in told["changes"]] == [
        "organization alice", "integration ledger",
    ]  # fmt: skip
    again = json.loads(portal.stage.alice.ask("PUT", API, portal.stage.alice.get(API)).content)
    assert again == {"changes": []}
    assert portal.stage.alice.get("/api/v1/features")["features"][-1] == {
        "name": "course-registration", "kind": "other", "excluded": True, "why": "elsewhere",
    }  # fmt: skip
    large = {"organizations": [{**entry, "members": [0] * 300_000}]}
    assert problem(portal.stage.alice.ask("PUT", API, large), 422)["code"] == "yaml_too_much"
    foreign = portal.stage.charlie.ask("PUT", API, found)
    assert problem(foreign, 422)["code"] == "upload_other"


def test_an_integration_is_copied_where_the_person_is_administrator(portal: Portal) -> None:
    alone = portal.browser()
    page = alone.get(address(portal, "/copy")).content.decode()
    assert "You are administrator of no other organization." in page
    wanted = {"integration": "ledger", "organization": "charlie", "replacing": "on"}
    assert alone.post(address(portal, "/copy"), wanted).status_code == 200
    charlie = portal.stage.charlie.organization
    for role, allowed in (("accountant", False), ("admin", True)):
        with (
            portal.stage.installation.pool.connection() as connection,
            organization_scope(connection, charlie),
        ):
            save_member(connection, charlie, "admin@example.org", role)  # type: ignore[arg-type]
        answer = alone.post(address(portal, "/copy"), wanted)
        assert (answer.status_code == 302) is allowed, role
    refused = alone.post(address(portal, "/copy"), {**wanted, "replacing": ""})
    assert "already has ledger" in errors(refused.content.decode())
    assert [event for _, event, _ in changes(portal)] == [], "nothing of the giver is changed"
    with (
        portal.stage.installation.pool.connection() as connection,
        organization_scope(connection, charlie),
    ):
        found = connection.execute("SELECT actor, event FROM change_logs").fetchall()
    assert found == [("user admin@example.org", "integration.changed")]


def with_secret(portal: Portal, own: UUID) -> None:
    """Store a secret of the integration `ledger` of an organization."""
    installation = portal.stage.installation
    with installation.pool.connection() as connection, organization_scope(connection, own):
        one = get_integration(connection, own, "ledger")
        assert one is not None
        put_credential(connection, installation.vault, own, one.id, "api_key", SECRET, "ann")


def draft(portal: Portal) -> None:
    """Begin an integration `second`, which is not set up completely."""
    drafting = portal.stage.installation.drafting_of(portal.stage.alice.organization, "ann")
    book = NewBook(key="second", name="Second")
    drafting.start(NewIntegration(key="second", name="Second", type="rest", new_book=book))


def test_a_file_leads_no_stored_secret_to_another_host(portal: Portal) -> None:
    with_secret(portal, portal.stage.alice.organization)
    found = downloaded(portal)
    (entry,) = found["organizations"]
    (ledger,) = entry["integrations"]
    ledger["settings"]["baseUrl"] += "/another/path"
    assert "1 change" in upload(portal, yaml.safe_dump(found))
    ledger["settings"]["baseUrl"] = "http://127.0.0.1:8"
    text = yaml.safe_dump(found)
    for page in (
        upload(portal, text),
        portal.browser().post(address(portal, "/take-in"), {"text": text}).content.decode(),
    ):
        assert "integrations[ledger].settings.baseUrl: This would send the credentials" in page
    refused = problem(portal.stage.alice.ask("PUT", API, found), 422)
    assert refused["code"] == "leads_elsewhere"
    ledger.update(type="xledger", settings={}, mapping=None)
    assert "integrations[ledger].type: This would send" in upload(portal, yaml.safe_dump(found))
    nothing_has_changed(portal)


def test_a_copy_leads_no_stored_secret_to_another_host(portal: Portal) -> None:
    charlie = portal.stage.charlie.organization
    browser = portal.browser()
    portal.browser("admin", "admin@example.org", charlie)
    with_secret(portal, charlie)
    wanted = {"integration": "ledger", "organization": "charlie", "replacing": "on"}
    assert browser.post(address(portal, "/copy"), wanted).status_code == 302
    portal.stage.query(
        "UPDATE organization_integrations SET settings = settings || %s",
        Jsonb({"baseUrl": "http://a.example"}),
    )
    page = browser.post(address(portal, "/copy"), wanted).content.decode()
    assert "This would send the credentials of ledger to another place" in errors(page)


def test_what_is_not_set_up_is_neither_copied_nor_finished_by_a_file(portal: Portal) -> None:
    draft(portal)
    charlie = portal.stage.charlie.organization
    browser = portal.browser()
    portal.browser("admin", "admin@example.org", charlie)
    assert 'value="second"' not in browser.get(address(portal, "/copy")).content.decode()
    configuration = portal.stage.installation.configuration_of(
        portal.stage.alice.organization, "user admin@example.org"
    )
    with pytest.raises(Refused, match="not set up completely"):
        configuration.copy_to(charlie, "second")

    found = downloaded(portal)
    (entry,) = found["organizations"]
    (ledger,) = entry["integrations"]
    entry["integrations"].append({**ledger, "key": "second", "book": "second"})
    page = upload(portal, yaml.safe_dump(found))
    assert "integrations[second].key: This integration is not set up completely" in page
    rows = "SELECT is_draft, enabled FROM organization_integrations WHERE key = 'second'"
    assert portal.stage.query(rows) == [(True, False)]


def test_a_file_makes_no_integration_of_the_key_new(portal: Portal) -> None:
    found = downloaded(portal)
    (entry,) = found["organizations"]
    entry["integrations"].append({**entry["integrations"][0], "key": "new", "route": False})
    page = upload(portal, yaml.safe_dump(found))
    assert "integrations[new].key: An integration cannot have the short name new" in page
    nothing_has_changed(portal)
