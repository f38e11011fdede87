"""The pages that say whether all is well, and the reports: what people see and change."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from bilag.tenants.members import Role
from tests.database.api_stage import Stage, connect_owner, record
from tests.database.watch_stage import alerts, bound, error, look_at, pending, refused, runtime
from tests.portal.queries import counted
from tests.portal.stage import Portal

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def text(portal: Portal, path: str = "", role: str = "admin") -> str:
    """Return a page of Alice's organization, without its markup."""
    answer = portal.browser(role).get(portal.page(path))  # type: ignore[arg-type]
    assert answer.status_code == 200, path
    return said(answer.content.decode())


def said(page: str) -> str:
    bare = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_the_overview_says_in_words_how_it_stands(portal: Portal) -> None:
    stage = portal.stage
    assert "Nothing has been sent yet" in text(portal)
    runtime(stage, last_sync_at=NOW, last_sync_outcome="ok")
    assert "All is well" in text(portal)
    runtime(stage, enabled_since=NOW - 90 * HOUR)
    pending(stage, "C1", NOW - 30 * HOUR)
    error(stage, NOW - HOUR)
    page = text(portal)
    assert "needs attention" in page
    assert "1 error of the last 24 hours is not put right." in page
    assert "The oldest pending claim could have gone over 24 hours ago." in page
    runtime(stage, error_since=NOW, error_message="the login is refused")
    page = text(portal)
    assert "Ledger: does not work" in page
    assert "Stopped by an error: the login is refused" in page
    assert "0 vouchers have gone out since the start." in page


def test_every_number_leads_to_the_claims_behind_it(portal: Portal) -> None:
    refused(portal.stage, "C1", NOW)
    page = portal.browser().get(portal.page()).content.decode()
    assert f'href="/o/{portal.slug}/failed?integration=ledger"' in page
    seen = portal.browser("coordinator").get(portal.page()).content.decode()
    assert f'href="/o/{portal.slug}/exports?integration=ledger&amp;state=failed"' in seen


def test_the_drawing_has_its_table(portal: Portal) -> None:
    portal.stage.alice.hand_over(record("C1"))
    page = portal.browser().get(portal.page()).content.decode()
    assert page.count('<svg viewBox="0 -6 600 132"') == 1
    assert 'aria-describedby="trend-words"' in page
    assert "Approved: 1. Exported: 0. Attempts that failed: 0." in said(page)
    assert page.count('<tr><th scope="row">') >= 30


RULES = ("refusal", "failures_in_a_row", "errors", "pending", "breaker", "credential",
         "other_company", "stopped", "warning", "silence")  # fmt: skip


@pytest.mark.parametrize("role", ["admin", "accountant"])
def test_every_alert_leads_to_where_its_cause_is_seen(portal: Portal, role: Role) -> None:
    refused(portal.stage, "C000017", NOW)
    for rule in RULES:
        portal.stage.query(
            "INSERT INTO alerts (organization_id, rule, cause, integration_id, params, opened_at,"
            " told_at) SELECT organization_id, %s, '', CASE WHEN %s THEN id END,"
            " jsonb_build_object("
            "'integration', name, 'source_id', 'C000017', 'field', 'api_key'), now(), now()"
            " FROM organization_integrations WHERE key = 'ledger'",
            rule, rule not in ("errors", "silence"),
        )  # fmt: skip
    browser = portal.browser(role)
    page = browser.get(portal.page("alerts")).content.decode()
    found = re.findall(r'<td><a class="ds-link" href="([^"]+)">([^<]+)<', page)
    assert len(found) == len(RULES)
    assert ("/o/alice/failed?integration=ledger", "Failed claims of Ledger") in found
    assert ("/o/alice/exports?record=C000017", "The claim C000017") in found
    for address, _name in found:
        assert browser.get(html.unescape(address)).status_code == 200, address


def test_alerts_are_seen_counted_and_acknowledged(portal: Portal) -> None:
    bound(portal.stage, silence_days=0)
    refused(portal.stage, "C000017", NOW)
    look_at(portal.stage, NOW)
    (alert,) = alerts(portal.stage)
    admin = portal.browser()
    page = admin.get(portal.page("alerts")).content.decode()
    assert "1 alert " in said(page)
    assert f"Acknowledge alert {alert.id}" in said(page)
    assert "C000017" in said(page)
    answer = admin.post(portal.page(f"alerts/{alert.id}/acknowledge"), follow=True)
    assert "Acknowledged. The alert stays until its cause is gone." in said(answer.content.decode())
    assert "by admin@example.org on" in said(answer.content.decode())
    assert admin.post(portal.page("alerts/999/acknowledge")).status_code == 404
    assert portal.browser("coordinator").get(portal.page("alerts")).status_code == 404
    charlie = portal.browser("admin", "eve@example.org", portal.stage.charlie.organization)
    assert charlie.post(f"/o/charlie/alerts/{alert.id}/acknowledge").status_code == 404


def test_bounds_are_changed_and_what_cannot_be_is_told_at_its_field(portal: Portal) -> None:
    admin = portal.browser()
    form = {
        "pending_hours": "12", "no_sync_hours": "48", "stale_hours": "24",
        "pending_alert_hours": "48", "errors_max": "10", "failures_in_a_row": "3",
        "credential_days": "14", "silence_days": "30", "mail_roles": ["admin", "accountant"],
        "webhook_url": "https://example.org/alerts", "wage_warning_percent": "90",
        "wage_income_code": "fastloenn",
    }  # fmt: skip
    answer = admin.post(portal.page("settings/alerts"), form, follow=True)
    assert "Saved." in said(answer.content.decode())
    assert portal.stage.query(
        "SELECT pending_hours, mail_roles, webhook_url, wage_income_code FROM watch_settings"
    ) == [(12, ["admin", "accountant"], "https://example.org/alerts", "fastloenn")]
    wrong = admin.post(
        portal.page("settings/alerts"),
        {**form, "pending_hours": "0", "webhook_url": "https://a:b@example.org/"},
    ).content.decode()
    assert 'id="error-summary"' in wrong
    assert 'aria-invalid="true"' in wrong
    wrong = admin.post(
        portal.page("settings/alerts"), {**form, "webhook_url": "https://a:b@example.org/"}
    ).content.decode()
    assert "without user name and password" in said(wrong)
    assert portal.browser("accountant").get(portal.page("settings/alerts")).status_code == 404


def test_a_secret_is_shown_once(portal: Portal) -> None:
    admin = portal.browser()
    made = admin.post(portal.page("settings/alerts/secret")).content.decode()
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", made)
    again = admin.get(portal.page("settings/alerts")).content.decode()
    assert secret not in again
    assert f"ends in {' '.join(secret[-4:])}" in said(again)


def test_the_control_report_is_shown_made_and_handed_out(portal: Portal) -> None:
    portal.stage.alice.hand_over(record("C1"), record("C2"))
    portal.stage.bring(portal.stage.alice.export_id("C1"), "sending", "failed")
    accountant = portal.browser("accountant")
    query = "?book=main&first=2026-11-01&last=2026-11-30"
    page = accountant.get(portal.page(f"reports/control{query}")).content.decode()
    assert "balances" in said(page)
    assert "699.00" in said(page)
    (cell,) = re.findall(r'href="([^"]*state=failed)"', page)
    claims = accountant.get(cell.replace("&amp;", "&")).content.decode()
    assert "C1" in said(claims)
    assert "C2" not in said(claims)
    file = accountant.get(portal.page(f"reports/control/main/file{query}"))
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert len(file.content.splitlines()) == 3
    assert portal.stage.query("SELECT count(*) FROM change_logs") == [(0,)]
    form = {"book": "main", "first": "2026-11-01", "last": "2026-11-30"}
    made = accountant.post(portal.page("reports/control"), form, follow=True)
    ((sealed,),) = portal.stage.query("SELECT detail ->> 'hash' FROM change_logs")
    assert sealed in said(made.content.decode())
    assert "The report is made." in said(made.content.decode())
    assert sealed[:8] not in said(accountant.get(portal.page("reports/control")).content.decode())
    wrong = accountant.get(
        portal.page("reports/control?book=main&first=2026-12-01&last=2026-11-30")
    )
    assert "Swap them" in said(wrong.content.decode())


@pytest.mark.parametrize(
    "path",
    ["reports/control/main/claims", "reports/control/main/claims?first=x&last=y",
     "reports/control/nowhere/file?first=2026-11-01&last=2026-11-30",
     "reports/control/17", "reports/wages?year=x", "reports/wages?year=1999",
     "reports/wages?year=2026&basis=NaN", "reports/wages/payroll-list?year=99999"],
)  # fmt: skip
def test_an_address_that_was_not_made_by_us_is_not_found(portal: Portal, path: str) -> None:
    assert portal.browser().get(portal.page(path)).status_code == 404


def test_the_wages_say_who_is_near_a_limit(portal: Portal) -> None:
    lines = [{"date": "2026-10-05", "type": "honorarium", "amount": "9500"}]
    portal.stage.alice.hand_over(record("H1", category="honorarium", lines=lines))
    page = text(portal, "reports/wages?year=2026", "accountant")
    assert "Volunteer 017 (V017)" in page
    assert "near tax-free pay of a person in a year" in page
    assert "9,500.00" in page
    file = portal.browser("accountant").get(portal.page("reports/wages/payroll-list?year=2026"))
    assert b"V017;Volunteer 017;2026;" in file.content
    assert portal.browser("coordinator").get(portal.page("reports/wages")).status_code == 404


def test_a_rate_of_ones_own(portal: Portal) -> None:
    admin = portal.browser()
    form = {"kind": "mileage_tax_free", "valid_from": "2027-01-01", "amount": "3,80"}
    answer = admin.post(portal.page("reports/wages/rates"), form, follow=True)
    assert "Saved." in said(answer.content.decode())
    assert "3.80 your own" in said(answer.content.decode())
    wrong = admin.post(portal.page("reports/wages/rates"), {**form, "amount": "much"})
    assert "Write an amount" in said(wrong.content.decode())
    wrong = admin.post(portal.page("reports/wages/rates"), {**form, "amount": "-1"})
    assert "from 0 up" in said(wrong.content.decode())
    assert portal.browser("accountant").get(portal.page("reports/wages/rates")).status_code == 404


def measured(stage: Stage, *, of: str = "alice", **figures: int) -> None:
    """Keep figures for the organization's integration, as a worker does that looked at it."""
    with connect_owner(stage) as owner:
        owner.execute(
            "INSERT INTO health_snapshots (organization_id, integration_id, pending, for_person,"
            " errors, errors_open, taken_at) SELECT o.id, i.id, %(pending)s, %(for_person)s,"
            " %(errors)s, 0, now() FROM organizations o JOIN organization_integrations i"
            " ON i.organization_id = o.id WHERE o.slug = %(of)s",
            {"pending": 0, "for_person": 0, "errors": 0, "of": of, **figures},
        )


def test_somebody_of_several_organizations_sees_how_each_stands(portal: Portal) -> None:
    measured(portal.stage, pending=4, for_person=3, errors=1)
    runtime(portal.stage, last_sync_at=NOW, last_sync_outcome="ok")
    portal.browser("accountant", "ann@example.org", portal.stage.charlie.organization)
    ann = portal.browser("accountant", "ann@example.org")
    page = ann.get("/?choose").content.decode()
    assert "alice ! &nbsp;needs attention 3 4 1 charlie … &nbsp;nothing sent" in said(page)
    with counted() as two:
        ann.get("/?choose")
    with connect_owner(portal.stage) as owner:
        owner.execute(
            "INSERT INTO organizations (id, slug, name) SELECT gen_random_uuid(), 'o' || n,"
            " 'Organization ' || n FROM generate_series(1, 40) n"
        )
        owner.execute(
            "INSERT INTO members (organization_id, subject, role)"
            " SELECT id, 'ann@example.org', 'accountant' FROM organizations WHERE slug LIKE 'o%'"
        )
    with counted() as many:
        assert "Organization 40" in ann.get("/?choose").content.decode()
    assert len(many.statements) == len(two.statements)


def test_all_organizations_by_what_needs_attention(portal: Portal) -> None:
    operator = portal.browser(None, "operator@example.org")
    with connect_owner(portal.stage) as owner:
        owner.execute("INSERT INTO global_admins (subject) VALUES ('operator@example.org')")
        owner.execute(
            "INSERT INTO organizations (id, slug, name) SELECT gen_random_uuid(), 'o' || n,"
            " 'Organization ' || n FROM generate_series(1, 60) n"
        )
    runtime(portal.stage, error_since=NOW, error_message="no")
    measured(portal.stage, pending=4, errors=1)
    measured(portal.stage, pending=3, errors=2, of="charlie")
    page = operator.get("/admin-overview").content.decode()
    assert "62 organizations" in said(page)
    assert page.index(">alice (alice)<") < page.index(">Organization 1 (")
    assert "stopped by an error" in said(page)
    assert "Sum of 62 organizations 7 3" in said(page)
    assert "No worker is running." in said(page)
    (following,) = re.findall(r'href="(\?[^"]*after=[^"]*)"', page)
    second = operator.get("/admin-overview" + following.replace("&amp;", "&")).content.decode()
    assert len(re.findall(r'<th scope="row">', page + second)) == 62
    assert "1 organization " in said(
        operator.get("/admin-overview?show=attention").content.decode()
    )
    assert "No organization is like that." in said(
        operator.get("/admin-overview?named=nobody").content.decode()
    )
    for query in ("?sort=pending&after=x&slug=y", "?sort=nothing", "?after=1"):
        assert operator.get(f"/admin-overview{query}").status_code == 200, query
    assert operator.get("/admin-overview?named=%00").status_code == 400
    assert Client(SERVER_NAME="localhost").get("/admin-overview").status_code == 302
