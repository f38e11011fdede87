"""The wizard over real HTTP: each kind of system, from an empty list to an integration that is on.

People leave in the middle and go on elsewhere; two may edit the same draft; outsiders see nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from psycopg.types.json import Jsonb

from bilag.connectors.registry import CONNECTORS
from bilag.integrations.store import get_integration, save_mapping
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import MAPPING, problem, record
from tests.portal.forms import form_of
from tests.portal.stage import Portal
from tests.sandboxes import SandboxProcess, start_sandbox
from tests.simulation.systems import BC_SECRET, BUSINESS_CENTRAL, REST, XLEDGER, XLEDGER_TOKEN

REST_KEY = "canary-rest-key-0123456789"
HOME = "settings/integrations"


@dataclass(frozen=True)
class Case:
    """One kind of system: its sandbox, and what somebody enters for it."""

    type: str
    sandbox: Any
    options: Mapping[str, Any]
    secrets: Mapping[str, str]
    entered: Mapping[str, str] = field(default_factory=dict)
    lists: bool = True


CASES = [
    Case(
        "rest", REST, {"auth": "api_key", "api_key": REST_KEY}, {"api_key": REST_KEY},
        {
            "baseUrl": "{url}", "auth.kind": "api_key", "company": "on", "company.path": "/company",
            "success.voucherNumber": "/voucherNumber",
        },
        lists=False,
    ),
    Case(
        "xledger", XLEDGER, {}, {"api_token": XLEDGER_TOKEN},
        {
            "endpoint": "{url}/graphql", "vouchers.jobLevel.dbSubId": "1",
            "pace.burstSeconds": "0,11", "pace.settleSeconds": "1",
        },
    ),
    Case(
        "dynamics_business_central", BUSINESS_CENTRAL, {}, {"client_secret": BC_SECRET},
        {
            name: str(BUSINESS_CENTRAL.settings[name])
            for name in ("baseUrl", "loginUrl", "tenant", "environment", "company", "clientId")
        } | {"dimensions.costCentre": "AVDELING"},
    ),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.type)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def sandbox(case: Case) -> Iterator[SandboxProcess]:
    with case.sandbox.start(**case.options) as running:
        yield running


@pytest.fixture
def open_network(portal: Portal) -> None:
    portal.stage.query("UPDATE organizations SET allowed_networks = '{127.0.0.0/8}'")


def send(browser: Client, address: str, having: str, **typed: str) -> Any:
    """Fill the form of a page in and send it; `__` in a name stands for a full stop."""
    data = form_of(browser.get(address), having) | typed
    return browser.post(address, {name.replace("__", "."): v for name, v in data.items()})


def text_of(page: Any) -> str:
    """Return what stands on a page, without tags and with single blanks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def typed(case: Case, url: str) -> dict[str, str]:
    """Return what is typed into the step of credentials."""
    secrets = {f"secret.{name}": value for name, value in case.secrets.items()}
    return {name: value.replace("{url}", url) for name, value in case.entered.items()} | secrets


def begin(browser: Client, portal: Portal, case: Case, key: str = "second") -> Any:
    """Go through the first step with a new book."""
    return send(
        browser, f"{portal.page(HOME)}/new?type={case.type}", "key", name="Second", key=key,
        book="+new", book_name="Second book", book_key="second", currency="nok",
    )  # fmt: skip


def map_it(portal: Portal, key: str = "second") -> None:
    """Make the field mapping, whose editor is tested elsewhere."""
    own = portal.stage.alice.organization
    with (
        portal.stage.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        one = get_integration(connection, own, key)
        assert one is not None
        save_mapping(connection, own, one.id, MAPPING, "ann")


@pytest.mark.usefixtures("open_network")
def test_the_whole_wizard_left_in_the_middle_and_gone_on_with_elsewhere(
    portal: Portal, case: Case, sandbox: SandboxProcess
) -> None:
    ann = portal.browser("admin", "ann@example.org")
    seen = []
    listed = ann.get(portal.page(HOME))
    assert "not configured" in text_of(listed)
    begun = begin(ann, portal, case)
    step = f"{portal.page(HOME)}/second/setup"
    assert (begun.status_code, begun["Location"]) == (302, f"{step}/credentials")
    assert "Nothing is sent until you turn it on" in text_of(ann.get(begun["Location"]))

    # she leaves with half of it entered: where it leads to, and the secret that goes there
    entered = typed(case, sandbox.url)
    leads_by = CONNECTORS[case.type].leads_by
    half = {
        name: value
        for name, value in entered.items()
        if name.startswith("secret.") or name in (*leads_by, "auth.kind")
    }
    kept = ann.post(f"{step}/credentials", form_of(ann.get(f"{step}/credentials"), "version")
                    | half | {"later": "1"})  # fmt: skip
    assert kept["Location"] == portal.page(HOME)
    listed = ann.get(portal.page(HOME))
    seen.append(listed)
    assert "not finished" in text_of(listed)
    assert "Go on setting up Second" in text_of(listed)

    # somebody else goes on, in another browser, and finds what was entered
    bob = portal.browser("admin", "bob@example.org")
    there = bob.get(f"{portal.page(HOME)}/second")
    assert there["Location"] == f"{step}/credentials"
    page = bob.get(there["Location"])
    seen.append(page)
    shown = form_of(page, "version")
    (first, value), *_rest = half.items()
    assert shown[first] == value
    assert all(shown[f"secret.{name}"] == "" for name in case.secrets)
    assert "ends in" in text_of(page)
    others = {name: v for name, v in entered.items() if not name.startswith("secret.")}
    saved = bob.post(f"{step}/credentials", shown | others)
    assert saved.status_code == 302, text_of(saved)
    assert saved["Location"] == f"{step}/test"

    seen.append(bob.get(f"{step}/test"))
    tested = bob.post(f"{step}/test", follow=True)
    seen.append(tested)
    assert "The test passed" in text_of(tested), text_of(tested)
    assert "Sandbox Organization" in text_of(tested)
    accounts = bob.get(f"{step}/accounts?kind=accounts&q=71")
    seen.append(accounts)
    if case.lists:
        assert "7140" in text_of(accounts)
        read = bob.post(f"{step}/accounts", follow=True)
        said = text_of(read)
        assert "entries were read" in said or "Projects: Business Central" in said
        found = bob.get(f"{portal.page(HOME)}/second/suggest/accounts?q=7140")
        assert json.loads(found.content)["items"][0]["code"] == "7140"
        options = bob.get(
            f"{portal.page(HOME)}/second/suggest/accounts?q=71", headers={"HX-Request": "true"}
        )
        assert '<option value="7140">7140' in options.content.decode()
    else:
        assert "offers no lists" in text_of(accounts)

    confirm = bob.get(f"{step}/confirm")
    seen.append(confirm)
    assert "It is not decided which accounts" in text_of(confirm)
    refused = bob.post(f"{step}/confirm", {})
    assert refused.status_code == 422
    map_it(portal)
    confirm = bob.get(f"{step}/confirm")
    assert "Before it can be turned on" not in text_of(confirm)
    on = bob.post(f"{step}/confirm", {}, follow=True)
    seen.append(on)
    assert "Second is on" in text_of(on)
    assert "Sandbox Organization" in text_of(on)
    assert portal.stage.query(
        "SELECT enabled, is_route, is_draft, company_name FROM organization_integrations i"
        " JOIN integration_runtime r ON r.integration_id = i.id WHERE key = 'second'"
    ) == [(True, True, False, "Sandbox Organization")]

    # a finished one has no steps, and no page ever held a secret
    for name in ("system", "credentials", "test", "confirm"):
        assert bob.get(f"{step}/{name}").status_code == 302
    for page in seen:
        assert not any(secret in page.content.decode() for secret in case.secrets.values())
    everything = portal.stage.query("SELECT detail::text, subject FROM change_logs")
    assert not any(secret in str(everything) for secret in case.secrets.values())
    portal.stage.alice.hand_over(record("C000041"))
    books = portal.stage.query(
        "SELECT b.key FROM exports e JOIN books b ON b.id = e.book_id ORDER BY b.key"
    )
    assert books == [("main",), ("second",)]


REST_CASE = CASES[0]


def draft(portal: Portal, browser: Client, key: str = "second") -> str:
    """Begin a REST draft and return the address of its steps."""
    assert begin(browser, portal, REST_CASE, key).status_code == 302
    return f"{portal.page(HOME)}/{key}/setup"


def test_two_who_edit_the_same_draft_are_told(portal: Portal) -> None:
    ann, bob = (
        portal.browser("admin", "ann@example.org"),
        portal.browser("admin", "bob@example.org"),
    )
    step = draft(portal, ann)
    hers = form_of(ann.get(f"{step}/credentials"), "version")
    theirs = form_of(bob.get(f"{step}/credentials"), "version")
    assert (
        bob.post(f"{step}/credentials", theirs | {"baseUrl": "https://bob.example"}).status_code
        == 302
    )
    late = ann.post(
        f"{step}/credentials",
        hers
        | {"baseUrl": "https://ann.example", "auth.kind": "api_key", "secret.api_key": REST_KEY},
    )
    assert late.status_code == 422
    assert "user bob@example.org has changed this set-up" in text_of(late)
    assert "Type it again" in text_of(late)
    again = form_of(late, "version")
    assert (again["baseUrl"], again["secret.api_key"]) == ("https://ann.example", "")
    assert REST_KEY not in late.content.decode()
    assert ann.post(f"{step}/credentials", again | {"secret.api_key": REST_KEY}).status_code == 302
    (stored,) = portal.stage.query(
        "SELECT settings ->> 'baseUrl' FROM organization_integrations WHERE key = 'second'"
    )
    assert stored == ("https://ann.example",)


def test_a_version_that_is_no_number_is_no_fault(portal: Portal) -> None:
    browser = portal.browser()
    step = draft(portal, browser)
    for page, status in (("system", 302), ("credentials", 422)):
        shown = form_of(browser.get(f"{step}/{page}"), "version")
        for version, answered in (("²", status), ("9" * 5000, status), ("9" * 18, 422)):
            answer = browser.post(f"{step}/{page}", shown | {"version": version})
            assert answer.status_code == answered, (page, version[:9])


def test_a_failed_form_keeps_everything_but_the_secrets(portal: Portal) -> None:
    ann = portal.browser("admin")
    step = draft(portal, ann)
    given = form_of(ann.get(f"{step}/credentials"), "version") | {
        "baseUrl": "ledger", "settleSeconds": "many", "auth.kind": "api_key",
        "secret.api_key": REST_KEY,
    }  # fmt: skip
    page = ann.post(f"{step}/credentials", given)
    assert page.status_code == 422
    content = page.content.decode()
    shown = form_of(page, "version")
    assert (shown["baseUrl"], shown["settleSeconds"]) == ("ledger", "many")
    assert REST_KEY not in content
    assert "Type it again: it was not saved" in text_of(page)
    assert re.search(r'<details class="ds-details" open>', content), "an error must not be folded"
    assert 'id="error-summary"' in content
    assert 'href="#id_settleSeconds"' in content
    assert 'aria-invalid="true"' in content
    assert portal.stage.query("SELECT count(*) FROM credentials") == [(0,)]
    usable = given | {"settleSeconds": "5"}
    wrong = ann.post(f"{step}/credentials", usable)
    assert "Base address: The value cannot be used: an address looks like" in text_of(wrong)
    ann.cookies["django_language"] = "nn"
    nynorsk = ann.post(f"{step}/credentials", usable)
    assert "Grunnadresse: Verdien kan ikkje brukast: ei adresse ser ut som" in text_of(nynorsk)


def test_only_the_fields_of_the_chosen_login_are_asked(portal: Portal) -> None:
    """Without a script: the choice first, then its fields; what was typed stays, secrets do not."""
    ann = portal.browser("admin")
    step = draft(portal, ann)
    page = ann.get(f"{step}/credentials")
    content = page.content.decode()
    assert content.index("Use this login") < content.index('name="baseUrl"')
    assert not _login_fields(page)
    given = form_of(page, "version") | {
        "baseUrl": "https://ledger.example", "auth.kind": "basic", "secret.api_key": REST_KEY,
        "company": "on",
    }  # fmt: skip
    chosen = ann.post(f"{step}/credentials", given | {"use": "1"})
    assert chosen.status_code == 200
    assert "The fields below are those of the login you chose" in text_of(chosen)
    assert _login_fields(chosen) == {"auth.username", "secret.password", "expires.password"}
    shown = form_of(chosen, "version")
    assert (shown["baseUrl"], shown["auth.kind"], shown["company"]) == (
        "https://ledger.example", "basic", "on",
    )  # fmt: skip
    assert REST_KEY not in chosen.content.decode()
    settings = "SELECT settings::text FROM organization_integrations WHERE key = 'second'"
    assert portal.stage.query(settings) == [("{}",)]

    refused = ann.post(f"{step}/credentials", shown | {"auth.username": "ann"})
    assert refused.status_code == 422
    assert _login_fields(refused) == {"auth.username", "secret.password", "expires.password"}
    assert form_of(refused, "version")["auth.username"] == "ann"
    other = ann.post(f"{step}/credentials", shown | {"auth.kind": "bearer"})
    assert _login_fields(other) == {"secret.bearer_token", "expires.bearer_token"}
    unfolded = ann.post(f"{step}/credentials", shown | {"auth.kind": "hmac", "use": "1"})
    header = form_of(unfolded, "version")["auth.signatureHeader"]
    assert header == "X-Signature", "what the page did not ask before has its usual value"


def _login_fields(page: Any) -> set[str]:
    names = form_of(page, "version")
    return {n for n in names if n.startswith(("auth.", "secret.", "expires."))} - {"auth.kind"}


def test_the_first_step_says_what_cannot_be_used(portal: Portal) -> None:
    ann = portal.browser("admin")
    address = f"{portal.page(HOME)}/new?type=rest"
    shown = form_of(ann.get(address), "key")
    assert shown["key"]
    taken = ann.post(address, shown | {"name": "X", "key": "ledger", "book": "main"})
    assert "is used by another integration" in text_of(taken)
    bad = ann.post(
        address,
        shown | {"name": "X", "key": "x", "book": "+new", "book_name": "", "book_key": "UP",
                 "currency": "XXX", "number_prefix": "a b"},
    )  # fmt: skip
    assert bad.status_code == 422
    for field_name in ("book_name", "book_key", "currency", "number_prefix"):
        assert f'href="#id_{field_name}"' in bad.content.decode(), field_name
    assert portal.stage.query("SELECT count(*) FROM organization_integrations") == [(1,)]
    assert portal.stage.query("SELECT count(*) FROM books") == [(1,)]


@pytest.mark.parametrize("bad", ["a\0", "\x1b[31m", "\u202egpj", "a\n\nb"])
def test_the_api_takes_no_name_that_people_cannot_read(portal: Portal, bad: str) -> None:
    new = {"key": "second", "name": "Second", "type": "rest", "book": "main"}
    book = {"key": "second", "name": bad, "currency": "NOK"}
    for body, at in (
        (new | {"name": bad}, "name"),
        ({k: v for k, v in new.items() if k != "book"} | {"newBook": book}, "newBook.name"),
    ):
        told = problem(portal.stage.alice.ask("POST", "/api/v1/integrations", body), 422)
        assert told["problems"][0]["field"] == at
    assert portal.stage.query("SELECT count(*) FROM organization_integrations") == [(1,)]


@pytest.mark.parametrize("bad", ["a\0", "\x1b[31m"])
def test_the_api_takes_no_control_character_anywhere(portal: Portal, bad: str) -> None:
    ask, one = portal.stage.alice.ask, "/api/v1/integrations/ledger"
    settings = portal.stage.alice.get(one)["settings"]
    draft = f"{one}/mapping/draft"
    for method, path, body, at in (
        ("PUT", one, {"name": "x", "settings": settings | {"headers": {"X": bad}}},
         "settings.headers.X"),
        ("PUT", one, {"name": "x", "settings": settings | {bad: "x"}}, "settings"),
        ("PUT", f"{one}/filters", {"costCentres": ["1", bad]}, "costCentres[2]"),
        ("PATCH", draft, {"changes": {"categories": {bad: {"account": "1"}}}}, "categories"),
        ("PATCH", draft, {"changes": {"claimants": {bad: None}}}, "claimants"),
        ("PATCH", draft, {"changes": {"voucherText": {"constant": bad}}}, "voucherText.constant"),
        ("PUT", f"{one}/mapping", {"baseVersion": 1, "mapping": {"lineText": {"join": [bad]}}},
         "lineText.join[1]"),
        ("POST", f"{one}/mapping/claimants/csv", {"csv": f"claimant;party\nA;1{bad}\n"}, ""),
    ):  # fmt: skip
        told = problem(ask(method, path, body), 422)["problems"][0]
        found = (told["code"], told.get("field", ""))
        assert found == ("text_control_character", at), path


def test_before_it_is_on_it_is_said_what_else_would_post_the_same_claims(portal: Portal) -> None:
    ann = portal.browser("admin")
    draft(portal, ann)
    confirm = f"{portal.page(HOME)}/second/setup/confirm"
    warning = "Each claim will be posted in each of them"
    assert warning in text_of(ann.get(confirm))
    portal.stage.query("UPDATE organization_integrations SET enabled = false WHERE key = 'ledger'")
    assert warning not in text_of(ann.get(confirm))


def test_before_it_is_on_it_is_said_what_would_be_held(portal: Portal) -> None:
    ann = portal.browser("admin")
    step = draft(portal, ann)
    mapping = f"{portal.page(HOME)}/second/mapping"
    for page in (f"{step}/confirm", f"{mapping}/categories", f"{mapping}/claimants"):
        answer = ann.get(page)
        assert (
            "No claim waits yet. Still empty: No expense type and no kind of record has a ledger"
            " account. Mend it under Categories There is no counter-account. Mend it under"
            " Categories No claimant is linked to a supplier or employee, so their claims are held."
            " Mend it under Claimants"
        ) in text_of(answer)
        assert f'href="{mapping}/claimants">Mend it under Claimants' in answer.content.decode()
    map_it(portal)
    nothing = "No claim waits yet. No table of the mapping is empty."
    assert nothing in text_of(ann.get(f"{step}/confirm"))
    # by what is in force: what somebody has not saved yet does not count here
    portal.stage.query(
        "UPDATE organization_integrations SET settings = %s WHERE key = 'second'",
        Jsonb({"baseUrl": "https://ledger.example"}),
    )
    taxi = [{"date": "2026-10-05", "type": "taxi", "amount": "1"}]
    portal.stage.alice.hand_over(record("C1", lines=taxi), record("C2"))
    second = "(SELECT {} FROM organization_integrations WHERE key = 'second')"
    portal.stage.query(
        f"UPDATE exports SET integration_id = {second.format('id')},"
        f" book_id = {second.format('book_id')}"
    )
    editor = portal.stage.installation.mapping_editor_of(
        portal.stage.alice.organization, "user admin@example.org"
    )
    editor.change("second", {"categories": {"taxi": {"account": "7145"}}})
    said = text_of(ann.get(f"{step}/confirm"))
    assert "1 of 2 waiting claims would be held: 1 claim: The expense type “taxi”" in said
    assert "2 claims wait; the mapping holds none." in text_of(ann.get(f"{mapping}/categories"))


@pytest.mark.usefixtures("open_network")
def test_a_test_that_tried_no_login_claims_no_pass(portal: Portal) -> None:
    ann = portal.browser("admin")
    step = draft(portal, ann)
    with start_sandbox("rest", auth="api_key", api_key=REST_KEY) as running:
        settings = {"baseUrl": running.url, "auth.kind": "api_key", "secret.api_key": REST_KEY}
        shown = form_of(ann.get(f"{step}/credentials"), "version")
        assert ann.post(f"{step}/credentials", shown | settings).status_code == 302
        tested = ann.post(f"{step}/test", follow=True)
    said = text_of(tested)
    assert said.count("The address answers. The login was not tried.") == 2
    assert "Set up the company or the look-up under More settings" in said
    assert f'href="{step}/credentials">Go to the settings' in tested.content.decode()
    assert "passed" not in said
    kept = portal.stage.alice.get("/api/v1/integrations/second")["test"]
    assert kept["passed"], "for the API it stays a test that passed, with its problem"


def test_before_it_is_on_it_is_said_what_is_sent_and_what_follows_without_an_answer(
    portal: Portal,
) -> None:
    ann = portal.browser("admin")
    step = draft(portal, ann)
    nothing = text_of(ann.get(f"{step}/confirm"))
    assert "Expense types with a ledger account None" in nothing
    map_it(portal)
    said = text_of(ann.get(f"{step}/confirm"))
    assert "Included data Expense claims, Mileage claims, Driver honoraria See or" in said
    assert "Expense types with a ledger account meal, travel" in said
    assert "More filters" not in said
    portal.stage.query(
        "UPDATE organization_integrations SET settings = %s, filters = %s WHERE key = 'second'",
        Jsonb({"baseUrl": "https://ledger.example"}), Jsonb({"fromAmount": "5"}),
    )  # fmt: skip
    said = text_of(ann.get(f"{step}/confirm"))
    assert "More filters are set." in said
    person = "The claim is then in doubt, and a person decides. Nothing is sent twice."
    assert person in said
    look_up = {"path": "/v?reference={reference}", "reference": "/ref", "absentStatuses": [404]}
    portal.stage.query(
        "UPDATE organization_integrations SET settings = settings || %s WHERE key = 'second'",
        Jsonb({"lookUp": look_up}),
    )
    said = text_of(ann.get(f"{step}/confirm"))
    assert person not in said
    assert "The voucher is looked up in the system before anything else is done" in said


@pytest.mark.parametrize("page", ["mapping/categories", "data", "schedule"])
def test_the_way_to_the_next_step_stands_after_what_the_step_asks(
    portal: Portal, page: str
) -> None:
    ann = portal.browser("admin")
    draft(portal, ann)
    content = ann.get(f"{portal.page(HOME)}/second/{page}").content.decode()
    steps, heading, onward = (content.index(part) for part in ('class="steps"', "<h1", "Next step"))
    last_form = content.rindex("</form>", heading, content.index("</main>"))
    assert steps < heading < last_form < onward
    finished = ann.get(f"{portal.page(HOME)}/ledger/{page}").content.decode()
    assert "Next step: " not in finished


def test_a_draft_is_deleted_after_a_page_that_asks(portal: Portal) -> None:
    ann = portal.browser("admin")
    draft(portal, ann)
    page = ann.get(f"{portal.page(HOME)}/second/delete")
    assert "Nothing was sent" in text_of(page)
    gone = ann.post(f"{portal.page(HOME)}/second/delete", {}, follow=True)
    assert "Second is deleted" in text_of(gone)
    assert portal.stage.query("SELECT key FROM organization_integrations") == [("ledger",)]
    portal.stage.alice.hand_over(record("C000042"))
    refused = ann.post(f"{portal.page(HOME)}/ledger/delete", {})
    assert "has been used and cannot be deleted" in text_of(refused)


def test_whoever_may_not_finds_no_page_and_changes_nothing(portal: Portal) -> None:
    draft(portal, portal.browser("admin", "ann@example.org"))
    eve = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    coordinator = portal.browser("coordinator", "carl@example.org")
    accountant = portal.browser("accountant", "kari@example.org")
    inside = ["", "/second", "/ledger", "/second/suggest/accounts"]
    steps = ("system", "credentials", "test", "accounts", "confirm")
    closed = [
        *("/new", "/ledger/settings", "/ledger/credentials/api_key", "/second/delete"),
        *(f"/second/setup/{step}" for step in steps),
    ]
    for place in [*inside, *closed]:
        address = portal.page(HOME) + place
        for nobody in (eve, coordinator):
            assert nobody.get(address).status_code == 404, place
            assert nobody.post(address, {}).status_code in (404, 405), place
        assert accountant.get(address).status_code == (200 if place in inside else 404), place
    assert accountant.post(f"{portal.page(HOME)}/ledger/test").status_code == 404
    page = accountant.get(f"{portal.page(HOME)}/ledger")
    assert "Rotate" not in text_of(page)
    assert portal.stage.query("SELECT key FROM organization_integrations ORDER BY key") == [
        ("ledger",), ("second",),
    ]  # fmt: skip
