"""Credentials of an integration in use: shown masked, replaced only after a test that passes.

Secrets planted here are looked for in every page, in the audit log and in the database's rows.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from bilag.delivery.credentials import NewSecret
from bilag.integrations.start import NewBook, NewIntegration
from bilag.integrations.store import save_mapping
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import MAPPING
from tests.portal.forms import form_of
from tests.portal.stage import Portal
from tests.portal.test_connect_wizard import HOME, text_of
from tests.sandboxes import SandboxProcess, start_sandbox

OLD, NEW, WRONG = "canary-old-0000aaaa", "canary-new-1111bbbb", "canary-bad-2222cccc"


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with start_sandbox("rest", auth="api_key,bearer", api_key=OLD, bearer_token=NEW) as running:
        yield running


@pytest.fixture
def place(portal: Portal, sandbox: SandboxProcess) -> str:
    """An integration `second` that is on, with the old key; returns the address of its page."""
    stage, own = portal.stage, portal.stage.alice.organization
    stage.query("UPDATE organizations SET allowed_networks = '{127.0.0.0/8}'")
    drafting = stage.installation.drafting_of(own, "user ann@example.org")
    book = NewBook(key="second", name="Second book")
    drafting.start(NewIntegration(key="second", name="Second", type="rest", new_book=book))
    settings = {
        "baseUrl": sandbox.url,
        "auth": {"kind": "api_key"},
        "company": {"path": "/company", "name": "/name"},
    }
    one = drafting.save("second", settings, {"api_key": NewSecret(OLD)})
    assert stage.installation.connection_tests_of(own, "user ann").test("second").report.ok
    with stage.installation.pool.connection() as connection, organization_scope(connection, own):
        save_mapping(connection, own, one.id, MAPPING, "ann")
    drafting.turn_on("second")
    return f"{portal.page(HOME)}/second"


def nowhere_in_clear(portal: Portal, *pages: Any) -> None:
    """Assert that no planted secret stands in a page or in any row of the database."""
    planted = [secret.encode() for secret in (OLD, NEW, WRONG)]
    for page in pages:
        assert not any(secret in page.content for secret in planted)
    with psycopg.connect(portal.stage.database.owner_url) as owner:
        tables = owner.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            for (row,) in owner.execute(f"SELECT t::text FROM {table} t").fetchall():
                held = [secret for secret in planted if secret.decode() in row]
                hexed = [secret for secret in planted if secret.hex() in row]
                assert not held + hexed, table


def test_a_credential_is_masked_for_the_eye_and_spelled_for_the_ear(
    portal: Portal, place: str
) -> None:
    page = portal.browser("admin").get(place)
    content, text = page.content.decode(), text_of(page)
    assert '<span aria-hidden="true">••••••••aaaa</span>' in content
    assert '<span class="ds-sr-only">ends in a a a a</span>' in content
    assert "ann@example.org" in text
    assert "No expiry date is known" in text
    assert "Rotate credential API key" in text
    assert "Sandbox Organization" in text
    nowhere_in_clear(portal, page)


def test_a_new_one_whose_login_was_not_tried_is_not_said_to_have_passed(
    portal: Portal, place: str
) -> None:
    portal.stage.query(
        "UPDATE organization_integrations SET settings = settings - 'company' WHERE key = 'second'"
    )
    ann = portal.browser("admin")
    address = f"{place}/credentials/api_key"
    given = form_of(ann.get(address), "secret.api_key") | {"secret.api_key": OLD}
    text = text_of(ann.post(address, given, follow=True))
    assert "The address answers, but the login was not tried. The new API key is in use" in text
    assert "kept until something was sent with the new one" in text
    assert "The test passed: the new" not in text


def test_a_refused_new_one_leaves_the_old_in_use_and_says_so(portal: Portal, place: str) -> None:
    ann = portal.browser("admin")
    address = f"{place}/credentials/api_key"
    asked = ann.get(address)
    given = form_of(asked, "secret.api_key") | {
        "secret.api_key": WRONG, "expires.api_key": "2030-01-31",
    }  # fmt: skip
    refused = ann.post(address, given)
    assert refused.status_code == 422
    text = text_of(refused)
    assert "The old credential stays in use" in text
    assert "The credential is not stored, the old one stays in use. The test said:" in text
    assert "Type it again" in text
    shown = form_of(refused, "secret.api_key")
    assert (shown["secret.api_key"], shown["expires.api_key"]) == ("", "2030-01-31")
    assert portal.stage.query("SELECT last_four FROM credentials") == [("aaaa",)]
    assert portal.stage.query("SELECT count(*) FROM kept_credentials") == [(0,)]
    nowhere_in_clear(portal, asked, refused, ann.get(place))


def test_a_new_one_is_tested_saved_and_the_old_one_kept(
    portal: Portal, place: str, sandbox: SandboxProcess
) -> None:
    sandbox.stop()
    with start_sandbox("rest", auth="api_key", api_key=NEW) as running:
        portal.stage.query(
            "UPDATE organization_integrations SET settings = settings || jsonb_build_object("
            "'baseUrl', %s::text) WHERE key = 'second'", running.url,
        )  # fmt: skip
        ann = portal.browser("admin")
        address = f"{place}/credentials/api_key"
        soon = (timezone.now() + timedelta(days=10)).date().isoformat()  # at midnight, UTC
        given = form_of(ann.get(address), "secret.api_key")
        done = ann.post(
            address, given | {"secret.api_key": NEW, "expires.api_key": soon}, follow=True
        )
        text = text_of(done)
        assert "The test passed: the new API key is in use" in text
        assert "kept until something was sent with the new one" in text
        assert "in 9 days" in text
        assert portal.stage.query(
            "SELECT c.last_four, k.last_four, c.set_by FROM credentials c"
            " JOIN kept_credentials k ON k.integration_id = c.integration_id"
        ) == [("bbbb", "aaaa", "user admin@example.org")]
        versions = portal.stage.query(
            "SELECT mapping_version, filters, delivery FROM organization_integrations"
            " WHERE key = 'second'"
        )
        assert versions == [(1, {}, {})], "schedule, mapping and filters stay"
        events = portal.stage.query("SELECT event, actor, detail FROM change_logs ORDER BY id DESC")
        assert events[0][:2] == ("credential.set", "user admin@example.org")
        nowhere_in_clear(portal, done)


def test_a_fall_back_to_the_reserve_is_told_at_the_top(portal: Portal, place: str) -> None:
    portal.stage.query(
        "UPDATE integration_runtime SET warning = 'The new key was refused; the old one is used'"
    )
    page = portal.browser("admin").get(place)
    assert "A new credential was refused The new key was refused" in text_of(page)


def test_settings_and_secrets_that_belong_together_change_in_one_go(
    portal: Portal, place: str
) -> None:
    ann = portal.browser("admin")
    address = f"{place}/settings"
    shown = form_of(ann.get(address), "name")
    wrong = ann.post(address, shown | {"auth.kind": "bearer", "secret.bearer_token": WRONG})
    assert wrong.status_code == 422
    assert "Nothing was changed, the old stays in use. The test said:" in text_of(wrong)
    right = ann.post(
        address, shown | {"auth.kind": "bearer", "secret.bearer_token": NEW, "name": "Ours"},
        follow=True,
    )  # fmt: skip
    assert "The settings of Ours are saved" in text_of(right), text_of(right)
    assert portal.stage.query(
        "SELECT settings #>> '{auth,kind}' FROM organization_integrations WHERE key = 'second'"
    ) == [("bearer",)]
    late = ann.post(address, shown | {"name": "Too late"})
    assert late.status_code == 422
    assert "Somebody else has changed the settings meanwhile" in text_of(late)
    nowhere_in_clear(portal, wrong, right, late)


def test_testing_now_says_how_it_went_and_keeps_it(
    portal: Portal, place: str, sandbox: SandboxProcess
) -> None:
    ann = portal.browser("admin")
    passed = ann.post(f"{place}/test", follow=True)
    assert "The test passed: the connection works" in text_of(passed)
    sandbox.stop()
    failed = ann.post(f"{place}/test", follow=True)
    text = text_of(failed)
    assert "The test did not pass. What to do stands below." in text
    assert "by admin@example.org" in text
    for language, words in (("nb", "Ingen svarer på"), ("nn", "Ingen svarar på")):
        ann.cookies["django_language"] = language
        assert words in text_of(ann.get(place))
    assert ann.get(f"{place}/credentials/nothing").status_code == 404
    assert ann.get(f"{portal.page(HOME)}/gone").status_code == 404


def test_another_host_asks_for_the_secret_again(portal: Portal, place: str) -> None:
    ann = portal.browser("admin")
    given = form_of(ann.get(f"{place}/settings"), "version")
    elsewhere = given | {"baseUrl": "http://127.0.0.1:9"}
    refused = ann.post(f"{place}/settings", elsewhere)
    assert refused.status_code == 422
    text = text_of(refused)
    assert "API key: Type it again: the settings lead to another place than before" in text
    assert 'href="#id_secret.api_key"' in refused.content.decode()
    assert form_of(refused, "version")["baseUrl"] == "http://127.0.0.1:9", "what was typed stays"
    same = given | {"baseUrl": f"{given['baseUrl']}/"}
    assert ann.post(f"{place}/settings", same).status_code == 302
    nowhere_in_clear(portal, refused)
