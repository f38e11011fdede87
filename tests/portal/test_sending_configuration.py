"""The configuration as a file (C15): out and in again, hostile files, copies to elsewhere."""

import json
import re
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

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
