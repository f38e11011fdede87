"""The pages of the mapping editor, over Django's whole stack: what is done there, and who may."""

import html
import re
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bilag.core.outcome import ReferenceItem
from bilag.delivery.mapping_editor import MappingEditor
from bilag.integrations.reference_data import keep_list
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import record
from tests.portal.stage import Portal

BASE = "settings/integrations/ledger/mapping"
PAGES = (
    "/categories", "/categories/type", "/categories/type?type=taxi", "/categories/general",
    "/categories/default/expense", "/categories/codes/costCentres",
    "/categories/codes/projects/code", "/claimants", "/claimants/one", "/claimants/payees",
    "/claimants/import", "/claimants/csv", "/fields", "/fields?add=header",
    "/fields/rule?section=voucherText", "/fields/rule?section=lineText&part=1", "/versions",
    "/versions/compare?old=1&new=1", "/versions/1/restore", "/preview", "/unsaved",
    "/suggest?what=account&field=account&account=71",
)  # fmt: skip
READ_ONLY = (
    "/categories", "/categories/codes/costCentres", "/claimants", "/claimants/csv", "/fields",
    "/fields?add=header", "/versions", "/versions/compare?old=1&new=1", "/preview",
)  # fmt: skip


def editor(portal: Portal, subject: str = "admin@example.org") -> MappingEditor:
    verbs = portal.stage.installation
    return verbs.mapping_editor_of(portal.stage.alice.organization, f"user {subject}")


def text_of(answer: Any) -> str:
    """Return the text of a page without its tags."""
    found = html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode()))
    return re.sub(r"\s+", " ", found)


def post(browser: Client, address: str, **values: Any) -> Any:
    return browser.post(address, values)


def test_every_page_answers_and_only_who_may(portal: Portal) -> None:
    portal.stage.alice.hand_over(record("C1"))
    admin, accountant = portal.browser(), portal.browser("accountant")
    coordinator, outsider = portal.browser("coordinator"), portal.browser(None)
    elsewhere = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    for page in PAGES:
        address = portal.page(BASE + page)
        answer = admin.get(address)
        assert answer.status_code == 200, (page, answer.status_code)
        if answer["Content-Type"].startswith("text/html") and "suggest" not in page:
            text = answer.content.decode()
            assert text.count("<h1") == 1, page
            assert "{{" not in text.replace("{{ and }}", ""), page
            assert "{%" not in text, page
            assert re.search(r"<title>[^<]+ – Ledger – alice – bilag</title>", text), page
        assert accountant.get(address).status_code == (200 if page in READ_ONLY else 404), page
        for nobody in (coordinator, outsider, elsewhere):
            assert nobody.get(address).status_code == 404, page
        assert Client(SERVER_NAME="localhost").get(address).status_code == 302
    assert admin.get(portal.page(BASE)).status_code == 302
    assert admin.get(portal.page(BASE.replace("ledger", "other") + "/fields")).status_code == 404
    for page in ("/fields", "/categories/codes/costCentres", "/save", "/unsaved"):
        assert accountant.post(portal.page(BASE + page)).status_code == 404


def test_an_expense_type_is_mapped_saved_and_its_claims_are_released(portal: Portal) -> None:
    lines = [{"date": "2026-10-05", "type": "taxi", "amount": "100"}]
    portal.stage.alice.hand_over(record("C1", lines=lines))
    reason = orjson.dumps({"code": "type_not_mapped", "params": {"type": "taxi"}}).decode()
    portal.stage.bring(portal.stage.alice.export_id("C1"), "held", reason=reason)
    browser = portal.browser()
    listed = text_of(browser.get(portal.page(BASE + "/categories")))
    assert "1 expense type has no ledger account" in listed
    assert "1 waits: C1" in listed
    assert "Map taxi" in listed
    address = portal.page(BASE + "/categories/type?type=taxi")
    values = {"vatCode_from": "claim", "costCentre_from": "code", "project_from": "none"}
    wrong = post(browser, address, **values)
    assert 'aria-invalid="true"' in wrong.content.decode()
    assert "error-summary" in wrong.content.decode()
    kept = post(browser, address, account="7130", costCentre="10", **values)
    assert kept.status_code == 302
    page = text_of(browser.get(kept["Location"]))
    assert "1 change of yours is not saved" in page
    assert portal.stage.query("SELECT state FROM exports") == [("held",)]

    before = text_of(browser.get(portal.page(BASE + "/save")))
    assert "1 claim will go that is kept back now" in before
    assert "C1" in before
    saved = post(browser, portal.page(BASE + "/save"))
    assert saved.status_code == 302
    told = text_of(browser.get(saved["Location"]))
    assert "Version 2 of the mapping is in force. 1 held claim is tried again with it." in told
    assert portal.stage.query("SELECT state FROM exports") == [("pending",)]
    document = editor(portal).current("ledger")[1]
    assert document["categories"]["taxi"] == {"account": "7130", "costCentre": "10", "project": ""}


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("/categories/type?type=taxi", "account"),
        ("/categories/default/expense", "costCentre"),
        ("/categories/general", "counterAccount"),
        ("/categories/codes/vatCodes/code", "code"),
        ("/claimants/payees", "clearingAccount"),
        ("/claimants/payees", "mileage"),
    ],
)
def test_a_code_that_no_ledger_has_is_told_at_its_field(
    portal: Portal, page: str, field: str
) -> None:
    written = {
        "account": "7130", "vatCode_from": "claim", "costCentre_from": "code", "costCentre": "10",
        "project_from": "claim", "lines": "each", "app_code": "a.b", "missingClaimant": "clearing",
        field: "71 40x!",
    }  # fmt: skip
    answer = post(portal.browser(), portal.page(BASE + page), **written)
    assert f'<a class="ds-link" href="#id_{field}">' in answer.content.decode()
    assert "“71 40x!” cannot be used" in text_of(answer)
    assert not editor(portal).working_copy("ledger").is_changed


def test_the_codes_that_the_ledger_has_are_listed_where_a_code_is_given(portal: Portal) -> None:
    address = portal.page(BASE + "/categories/codes/costCentres/code")
    assert "Codes that the ledger has" not in text_of(portal.browser().get(address))
    listed = [
        ReferenceItem("cost_centres", "100", "Oslo"),
        ReferenceItem("cost_centres", "110", "Closed", usable=False),
    ]
    alice = portal.stage.alice
    with (
        portal.stage.installation.pool.connection() as connection,
        organization_scope(connection, alice.organization),
    ):
        keep_list(connection, alice.organization, alice.integration, "cost_centres", listed,
                  more=False)  # fmt: skip
    text = text_of(portal.browser().get(address))
    assert "Codes that the ledger has, the first of them 100 Oslo" in text
    assert "110" not in text


def test_a_suggested_account_is_taken_without_losing_what_was_written(portal: Portal) -> None:
    browser = portal.browser()
    address = portal.page(BASE + "/categories/type?type=travel-abroad")
    decides = {"vatCode_from": "claim", "costCentre_from": "claim", "project_from": "claim"}
    old = {"type": "travel-abroad-old", "account": "7145", **decides}
    post(browser, portal.page(BASE + "/categories/type"), **old)
    assert "Use 7145 travel-abroad-old" in text_of(browser.get(address))
    written = {**decides, "costCentre_from": "code", "costCentre": "77"}
    answer = post(browser, address, use="7145", **written)
    text = answer.content.decode()
    assert 'value="7145"' in text
    assert 'value="77"' in text
    choices = browser.get(portal.page(BASE + "/suggest?what=account&field=account&account=7140"))
    assert '<option value="7140">7140 travel' in choices.content.decode()
    assert choices["Bilag-Announce"] == "7140%3A%20travel"


def test_rows_of_fields_are_added_changed_and_removed_by_plain_forms(portal: Portal) -> None:
    browser = portal.browser()
    address = portal.page(BASE + "/fields")
    added = post(browser, address, do="add:header")
    assert added["Location"].endswith("?add=header#header-0-path")
    row = {"header-0-was": "", "header-0-path": "voucher.postingDate", "header-0-name": "due"}
    half = post(browser, address, **{**row, "header-0-name": ""})
    text = half.content.decode()
    assert 'href="#header-0-name"' in text
    assert 'aria-describedby="header-0-name-error"' in text
    assert "selected>Posting date" in text, "what was chosen is not lost"
    asked = post(browser, address, **row, do="rule:header:0")
    assert asked["Location"].endswith("rule?section=header&name=due")
    rule = {"source": "from", "path": "voucher.postingDate", "otherwise": "none",
            "date": "own", "date_format": "DD/MM/YY", "decimals": "2"}  # fmt: skip
    tried = post(browser, asked["Location"], **rule, do="try")
    assert "/03/26" in text_of(tried)
    assert post(browser, asked["Location"], **rule).status_code == 302
    document = editor(portal).working_copy("ledger").document
    assert document["header"] == {"due": {"from": "voucher.postingDate", "date": "DD/MM/YY"}}

    row["header-0-was"] = "due"
    post(browser, address, **{**row, "header-0-path": "approvedAt", "header-0-name": "when"})
    document = editor(portal).working_copy("ledger").document
    assert document["header"] == {"when": {"from": "approvedAt", "date": "DD/MM/YY"}}
    row["header-0-was"] = "when"
    gone = post(browser, address, **row, do="remove:header:0")
    assert gone["Location"].endswith("#header-heading")
    assert not editor(portal).working_copy("ledger").is_changed


def test_problems_are_announced_once_and_nothing_is_kept_by_the_check(portal: Portal) -> None:
    browser = portal.browser()
    address = portal.page(BASE + "/fields/check")
    row = {"header-0-was": "", "header-0-path": "line.text", "header-0-name": "reference"}
    first = post(browser, address, **row)
    assert "2%20problems" in first["Bilag-Announce"]
    (told,) = re.findall(r'name="told" form="fields-form" value="([^"]*)"', first.content.decode())
    again = post(browser, address, **row, told=told)
    assert "Bilag-Announce" not in again
    good = post(browser, address, **{**row, "header-0-path": "text", "header-0-name": "note"},
                told=told)  # fmt: skip
    assert good["Bilag-Announce"] == "The%20mapping%20can%20be%20saved."
    assert not editor(portal).working_copy("ledger").is_changed


def test_parts_of_a_rule_are_rules_of_their_own(portal: Portal) -> None:
    browser = portal.browser()
    whole = portal.page(BASE + "/fields/rule?section=lineText")
    plain = {"otherwise": "none", "decimals": "2"}
    post(browser, whole, source="firstNonEmpty", do="add-part", **plain)
    post(browser, whole, source="firstNonEmpty", do="up-part:3", **plain)
    asked = post(browser, whole, source="firstNonEmpty", do="part:2", **plain)
    assert asked["Location"].endswith("part=2")
    back = post(browser, asked["Location"], source="template", template="{text}!", **plain)
    assert back["Location"].endswith("?section=lineText&name=")
    post(browser, whole, source="join", separator=" / ", do="remove-part:3", **plain)
    document = editor(portal).working_copy("ledger").document
    assert document["lineText"] == {
        "join": [{"from": "line.text"}, {"template": "{text}!"}], "separator": " / ",
    }  # fmt: skip
    assert browser.get(whole + "&part=3").status_code == 404


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "9" * 18])
def test_what_is_no_number_in_an_address_or_a_button_is_no_fault(
    portal: Portal, number: str
) -> None:
    browser = portal.browser()
    assert browser.get(portal.page(f"{BASE}/versions?before={number}")).status_code == 200
    for unknown in (f"old={number}&new=1", f"old=1&new={number}"):
        address = portal.page(f"{BASE}/versions/compare?{unknown}")
        assert browser.get(address).status_code == 404
    rule = portal.page(BASE + "/fields/rule?section=lineText")
    assert browser.get(f"{rule}&part={number}").status_code == 404
    plain = {"source": "firstNonEmpty", "otherwise": "none", "decimals": "2"}
    for button in ("part", "up-part", "remove-part"):
        assert post(browser, rule, do=f"{button}:{number}", **plain).status_code == 302
    assert post(browser, portal.page(BASE + "/unsaved"), top=number).status_code == 302
    moved = post(browser, portal.page(BASE + "/versions/1/restore"), seen=number)
    assert moved.status_code == 200
    assert editor(portal).versions("ledger")[0].mapping_version == 1


def test_a_nul_in_an_address_or_a_form_is_refused(portal: Portal) -> None:
    browser = portal.browser()
    for page in (
        "/categories/type?type=%00", "/suggest?what=account&field=account&account=%00",
        "/claimants?search=%00", "/claimants/one?claimant=%00", "/preview?claim=%00",
        "/categories/type?%00=1", "/categories/%00",
    ):  # fmt: skip
        assert browser.get(portal.page(BASE + page)).status_code == 400, page
    row = {"header-0-path": "text\0", "header-0-name": "note"}
    assert post(browser, portal.page(BASE + "/fields"), **row).status_code == 400
    assert not editor(portal).working_copy("ledger").is_changed


def test_claimants_by_hand_and_by_file(portal: Portal) -> None:
    browser = portal.browser()
    address = portal.page(BASE + "/claimants")
    named = post(browser, address + "/one", claimant="a@example.org", party="1")
    assert "looks like an e-mail address" in text_of(named)
    post(browser, address + "/one", claimant="V017", party="10017")
    renamed = post(browser, address + "/one?claimant=V017", claimant="V018", party="10017")
    assert renamed["Location"].endswith("search=V018")
    file = "claimant;party\nV1;\nV2;=2\n"
    bad = browser.post(address + "/import", {"file": SimpleUploadedFile("p.csv", file.encode())})
    assert "Line 2" in text_of(bad)
    large = SimpleUploadedFile("p.csv", b"claimant;party\n" + b"A;1\n" * (5 * 1024 * 1024))
    told = text_of(browser.post(address + "/import", {"file": large}))
    assert "larger than 16 MB" in told
    assert "required" not in told
    good = file.replace("V1;\n", "V1;1\n").encode()
    browser.post(address + "/import", {"file": SimpleUploadedFile("p.csv", good)})
    listed = text_of(browser.get(address))
    assert "3 claimants" in listed
    out = browser.get(address + "/csv")
    assert out.content.decode("utf-8-sig").splitlines() == [
        "claimant;party", "V018;10017", "V1;1", "V2;'=2",
    ]  # fmt: skip
    assert out["Content-Disposition"].startswith("attachment")
    values = {"missingClaimant": "clearing", "clearingAccount": "2995", "mileage": "2910"}
    assert post(browser, address + "/payees", **values).status_code == 302
    document = editor(portal).working_copy("ledger").document
    assert (document["clearingAccount"], document["clearingAccounts"]) == (
        "2995", {"mileage": "2910"},
    )  # fmt: skip


def test_who_saves_second_sees_both_and_goes_on(portal: Portal) -> None:
    browser, other = portal.browser(), editor(portal, "b@example.org")
    post(browser, portal.page(BASE + "/categories/general"), counterAccount="2400", lines="each")
    other.change("ledger", {"counterAccount": "2450", "lines": "grouped"})
    other.save("ledger")
    page = text_of(browser.get(portal.page(BASE + "/categories")))
    assert "Version 2 was saved by b@example.org on" in page
    assert post(browser, portal.page(BASE + "/save"))["Location"].endswith("/unsaved")
    both = text_of(browser.get(portal.page(BASE + "/unsaved")))
    assert "Changed by both" in both
    assert "Counter-account 2990 2400" in both
    assert "Counter-account 2990 2450" in both
    post(browser, portal.page(BASE + "/unsaved"), top="2")
    assert post(browser, portal.page(BASE + "/save"))["Location"].endswith("/versions")
    document = editor(portal).current("ledger")[1]
    assert (document["counterAccount"], document["lines"]) == ("2400", "grouped")
    restored = post(browser, portal.page(BASE + "/versions/1/restore"), seen="2")
    assert "while you were working" in text_of(restored)
    assert post(browser, portal.page(BASE + "/versions/1/restore"), seen="3").status_code == 302
    assert editor(portal).versions("ledger")[0].mapping_version == 4


def test_the_preview_shows_what_came_in_the_voucher_and_the_payload(portal: Portal) -> None:
    portal.stage.alice.hand_over(record("C1"), record("C2", category="mileage"))
    browser = portal.browser()
    page = browser.get(portal.page(BASE + "/preview?claim=C1"))
    text = text_of(page)
    assert "V017" in text
    assert "Postings of C1 in NOK" in text
    assert "&quot;account&quot;: &quot;7140&quot;" in page.content.decode()
    editor(portal).change("ledger", {"categories": {"meal": None}})
    text = text_of(browser.get(portal.page(BASE + "/preview?claim=C1")))
    assert "The expense type “meal”" in text
    assert "No voucher: see the problems." in text
    assert "SAMPLE-0001" in text_of(browser.get(portal.page(BASE + "/preview")))


def test_it_is_said_which_claims_that_wait_would_be_held_and_why(portal: Portal) -> None:
    """A mapping without faults may still hold claims: by type, by claimant."""
    browser = portal.browser()
    page = portal.page(BASE + "/categories")
    assert "No claim waits now. No table of the mapping is empty." in text_of(browser.get(page))
    taxi = [{"date": "2026-10-05", "type": "taxi", "amount": "1"}]
    portal.stage.alice.hand_over(
        record("C1", lines=taxi), record("C2", lines=[*taxi, *taxi]), record("C3"),
    )  # fmt: skip
    answer = browser.get(page)
    text = text_of(answer)
    assert "the mapping can be saved" in text
    assert "no problems" not in text
    assert "2 of 3 waiting claims would be held:" in text
    assert "2 claims: The expense type “taxi” has no account." in text
    assert f'href="{page}">Mend it under Categories' in answer.content.decode()

    # by the working copy, as it would be once it is saved
    changes = {"missingClaimant": "held", "categories": {"taxi": {"account": "7145"}}}
    editor(portal).change("ledger", changes)
    answer = browser.get(portal.page(BASE + "/claimants"))
    text = text_of(answer)
    assert "3 of 3 waiting claims would be held:" in text
    assert "3 claims: The claimant “V017” is not linked to a supplier or employee." in text
    claimants = portal.page(BASE + "/claimants")
    assert f'href="{claimants}">Mend it under Claimants' in answer.content.decode()
    editor(portal).change("ledger", {"claimants": {"V017": "50017"}})
    assert "3 claims wait; the mapping holds none." in text_of(browser.get(page))
    editor(portal).change("ledger", {"categories": {"taxi": {"account": ""}}})
    assert "can be told when the problems of the mapping are mended" in text_of(browser.get(page))


def test_of_many_claims_that_wait_the_first_are_told(portal: Portal) -> None:
    taxi = [{"date": "2026-10-05", "type": "taxi", "amount": "1"}]
    portal.stage.alice.hand_over(*(record(f"C{n}", lines=taxi) for n in range(102)))
    text = text_of(portal.browser().get(portal.page(BASE + "/categories")))
    assert "100 of the first 100 waiting claims would be held; 102 wait in all:" in text
    editor(portal).change("ledger", {"categories": {"taxi": {"account": "7145"}}})
    text = text_of(portal.browser().get(portal.page(BASE + "/categories")))
    assert "102 claims wait; of the first 100 the mapping holds none." in text


@pytest.mark.parametrize("page", ["/categories", "/claimants", "/fields", "/versions", "/preview"])
def test_a_page_makes_a_bounded_number_of_queries(portal: Portal, page: str) -> None:
    portal.stage.alice.hand_over(*(record(f"C{n}") for n in range(3)))
    browser = portal.browser()
    few = _queries(portal, browser, page)
    portal.stage.alice.hand_over(
        *(record(f"D{n}", lines=[{"date": "2026-10-05", "type": f"t{n}", "amount": "1"}])
          for n in range(60))
    )  # fmt: skip
    changes = {"claimants": {f"V{n}": "1" for n in range(60)},
               "header": {f"f{n}": {"from": "text"} for n in range(20)}}  # fmt: skip
    editor(portal).change("ledger", changes)
    assert _queries(portal, browser, page) <= few + 4


def _queries(portal: Portal, browser: Client, page: str) -> int:
    """Return how many statements of ours the database ran for one request."""
    browser.get(portal.page(BASE + page))
    with portal.stage.installation.pool.connection() as connection:
        kind = type(connection)
    counted = 0
    run = kind.execute

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal counted
        counted += 1
        return run(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "execute", counting)
        assert browser.get(portal.page(BASE + page)).status_code == 200
    return counted


def test_the_effect_on_many_claims_is_worked_out_after_the_page_is_there(portal: Portal) -> None:
    portal.stage.alice.hand_over(*(record(f"C{n}") for n in range(101)))
    browser = portal.browser()
    editor(portal).change("ledger", {"categories": {"travel": {"account": "7141"}}})
    address = portal.page(BASE + "/save")
    first = browser.get(address)
    assert 'hx-get="?effect=1" hx-trigger="load"' in first.content.decode()
    assert "101 claims" not in text_of(first)
    plain = text_of(browser.get(address + "?effect=1"))
    assert "101 claims will be sent otherwise" in plain
    assert "20 examples" in plain
    part = browser.get(address + "?effect=1", headers={"HX-Request": "true"})
    assert "<h1" not in part.content.decode()
    assert "101 claims wait." in text_of(part)
    assert part["Bilag-Announce"] == "It%20is%20worked%20out%20what%20saving%20does."
