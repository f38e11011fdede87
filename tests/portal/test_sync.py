"""Sync now from the pages (O3): what is said before, what the ledger gets, who may, and stopping.

No script runs here: every page does without.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client

from tests.database.api_stage import SETTINGS, record
from tests.portal.stage import Portal
from tests.portal.test_watch import said
from tests.sandboxes import SandboxProcess, start_sandbox

NOW = "sync/ledger"


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    with start_sandbox("rest", auth="none") as process:
        yield process


def ready(portal: Portal, sandbox: SandboxProcess | None = None, **delivery: Any) -> None:
    """Let Alice's integration post to the sandbox, only when somebody asks for it."""
    if sandbox:
        sandbox.add_master_data(accounts={"7160": "Meals"})
    settings = {k: v for k, v in SETTINGS.items() if k != "auth"}
    settings["baseUrl"] = sandbox.url if sandbox else SETTINGS["baseUrl"]
    given = {"trigger": "manual", "requestsInFlight": 1, **delivery}
    portal.stage.query(
        "UPDATE organization_integrations SET settings = %s, delivery = delivery || %s::jsonb",
        orjson.dumps(settings).decode(), orjson.dumps(given).decode(),
    )  # fmt: skip


def approve(portal: Portal, count: int) -> None:
    portal.stage.alice.hand_over(*(record(f"C{number:03d}") for number in range(count)))
    portal.stage.query("DELETE FROM procrastinate_jobs")


@contextmanager
def working(portal: Portal, home: Path) -> Iterator[None]:
    """Run a worker process until the block ends."""
    urls = portal.stage.installation.urls
    worker = subprocess.Popen(
        [sys.executable, "-m", "bilag.app.cli", "worker"],
        env={**os.environ, "BILAG_HOME": str(home), "BILAG_DATABASE_URL": urls.application},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def start(portal: Portal, browser: Client) -> str:
    """Press the button; returns the address of the page of that sync."""
    answer = browser.post(portal.page(NOW))
    assert answer.status_code == 302, said(answer.content.decode())
    return str(answer["Location"])


def until(browser: Client, address: str, words: str, seconds: float = 60.0) -> str:
    """Refresh a page until it says something."""
    end = time.monotonic() + seconds
    while True:
        page = said(browser.get(address).content.decode())
        if words in page:
            return page
        assert time.monotonic() < end, page
        time.sleep(0.2)


def test_what_was_announced_is_what_the_ledger_gets(
    portal: Portal, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    ready(portal, sandbox)
    approve(portal, 5)
    portal.stage.bring(portal.stage.alice.export_id("C004"), "held")
    admin = portal.browser()
    assert 'href="/o/alice/sync/ledger"' in admin.get(portal.page()).content.decode()
    before = said(admin.get(portal.page(NOW)).content.decode())
    assert "4 records will be sent." in before
    assert "NOK 4 1,398.00" in before
    assert "held 1 held wait for something to be mended first" in before
    assert "Last sync never Next sync when somebody asks for it" in before
    address = start(portal, admin)
    assert "It waits: no worker is running." in said(admin.get(address).content.decode())
    with working(portal, tmp_path):
        page = until(admin, address, "It has ended: without errors.")
    assert "Sent in all: 1,398.00 NOK" in page
    assert re.search(r"exported 4 Claims now: exported", page)
    assert "Begun by admin@example.org" in page
    assert len(sandbox.ledger()["entries"]) == 4
    assert "Nothing waits to be sent." in said(admin.get(portal.page(NOW)).content.decode())
    listed = said(portal.browser("coordinator").get(portal.page("runs")).content.decode())
    assert "admin@example.org without errors 4 0" in listed


def test_it_is_off_in_every_window_while_one_goes_on(portal: Portal) -> None:
    ready(portal)
    approve(portal, 2)
    first, second = portal.browser(), portal.browser("admin", "other@example.org")
    assert 'type="submit">Sync Ledger now' in second.get(portal.page(NOW)).content.decode()
    address = start(portal, first)
    refused = second.post(portal.page(NOW))
    assert refused.status_code == 409
    page = refused.content.decode()
    assert 'id="error-summary"' in page
    assert "Ledger is being synced now. admin@example.org asked for it at" in said(page)
    for browser in (first, second):
        page = browser.get(portal.page(NOW)).content.decode()
        assert 'type="button" aria-disabled="true" aria-describedby="why-not"' in page
        assert f'href="{address}"' in page
        overview = browser.get(portal.page()).content.decode()
        assert f'href="{address}">Ledger is being synced' in overview
        assert 'href="/o/alice/sync/ledger"' not in overview
    assert portal.stage.query("SELECT count(*) FROM sync_requests") == [(1,)]


def test_stopped_from_the_page_the_rest_waits(
    portal: Portal, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    ready(portal, sandbox)
    approve(portal, 20)
    sandbox.faults({"kind": "slow", "seconds": 1, "every": 1})
    admin = portal.browser()
    address = start(portal, admin)
    with working(portal, tmp_path):
        until(admin, address, "It is running.")
        assert "asked for it." in said(admin.get(f"{address}/stop").content.decode())
        assert admin.post(f"{address}/stop")["Location"] == address
        page = until(admin, address, "It has ended: stopped by somebody.")
    assert "admin@example.org stopped the sync. What had not been sent still waits." in page
    sent = len(sandbox.ledger()["entries"])
    states = dict(portal.stage.query("SELECT state, count(*)::int FROM exports GROUP BY 1"))
    assert {"exported": 0, **states} == {"exported": sent, "pending": 20 - sent}
    assert 0 <= sent < 15
    assert f"pending {20 - sent} Claims now: pending" in page
    assert admin.post(f"{address}/stop").status_code == 409
    assert "is stopped already" in said(admin.get(f"{address}/stop").content.decode())


def test_the_script_is_told_once_and_has_the_result_brought_at_the_end(portal: Portal) -> None:
    ready(portal)
    approve(portal, 2)
    admin = portal.browser()
    address = start(portal, admin)

    def ask(query: str = "") -> Any:
        return admin.get(address + query, headers={"HX-Request": "true"})

    counts = ask()
    assert counts.status_code == 200
    assert 'value="0" max="2"' in counts.content.decode()
    assert "Bilag-Announce" not in counts, "counts come without a word"
    assert not re.search(r"<(a|button|input|details)\b|tabindex", counts.content.decode()), (
        "nothing that could have the focus is replaced"
    )
    voice = ask("?said=x")
    assert "0%20of%202%20done" in voice["Bilag-Announce"]
    (mark,) = re.findall(r"said=([\d-]+)", voice.content.decode())
    assert "Bilag-Announce" not in ask(f"?said={mark}"), "the same is not said twice"
    portal.stage.query("UPDATE sync_requests SET ended_at = now(), outcome = 'ok'")
    last = ask()
    assert last.status_code == 286
    assert "It%20has%20ended" in last["Bilag-Announce"]
    assert 'id="result" hx-swap-oob' in last.content.decode()
    silent = ask("?said=x")
    assert (silent.status_code, "Bilag-Announce" in silent) == (286, False)


def test_causes_lead_to_the_claims_and_hide_names_from_a_coordinator(portal: Portal) -> None:
    ready(portal)
    approve(portal, 2)
    admin = portal.browser()
    address = start(portal, admin)
    number = portal.stage.alice.export_id("C000")
    reason = {"code": "refused", "params": {"message": "Volunteer 017 is unknown"}}
    portal.stage.bring(number, "sending", "failed", reason=orjson.dumps(reason).decode())
    portal.stage.query(
        "UPDATE sync_requests SET ended_at = now(), outcome = 'partly',"
        ' open_then = \'{"failed": 1, "pending": 1}\''
    )
    page = admin.get(address).content.decode()
    assert "Volunteer 017 is unknown" in page
    assert 'href="/o/alice/exports?integration=ledger&amp;state=failed"' in page
    assert "Cause 1: 1 claim, failed" in said(page)
    page = portal.browser("coordinator").get(address).content.decode()
    assert "Volunteer 017" not in page
    assert "state=failed" in page


def test_who_may_not_is_told_that_there_is_no_such_page(portal: Portal) -> None:
    ready(portal)
    approve(portal, 1)
    address = start(portal, portal.browser())
    eve = portal.browser("admin", "eve@example.net", portal.stage.charlie.organization)
    for browser in (portal.browser("coordinator"), portal.browser("accountant"), eve):
        for path in (portal.page(NOW), f"{address}/stop"):
            assert browser.get(path).status_code == 404
            assert browser.post(path).status_code == 404
    assert eve.get(address.replace("alice", "charlie")).status_code == 404
    assert "C000" not in eve.get("/o/charlie/runs").content.decode()
    assert portal.browser("accountant").get(address).status_code == 200
    assert portal.stage.query("SELECT stopped_at FROM sync_requests") == [(None,)]


@pytest.mark.parametrize(
    "path",
    [
        "runs?older=x",
        "runs?older=99999999999999999999",
        "runs?older=1",
        "runs?integration=no",
        "sync/no",
    ],
)
def test_what_is_not_there_is_not_found(portal: Portal, path: str) -> None:
    assert portal.browser().get(portal.page(path)).status_code == 404


def test_a_sync_whose_worker_was_lost_is_closed_by_the_next_one(
    portal: Portal, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    ready(portal, sandbox)
    approve(portal, 1)
    ((lost,),) = portal.stage.query(
        "INSERT INTO syncs (id, organization_id, integration_id, trigger, asked, started_at)"
        " SELECT gen_random_uuid(), organization_id, id, 'schedule', 3,"
        " now() - interval '1 hour' FROM organization_integrations RETURNING id"
    )
    portal.stage.query(
        "INSERT INTO sync_tallies SELECT organization_id, id, 'exported', 'NOK', 2, 699 FROM syncs"
    )
    admin = portal.browser()
    address = start(portal, admin)
    with working(portal, tmp_path):
        until(admin, address, "It has ended: without errors.")
    listed = said(admin.get(portal.page("runs")).content.decode())
    assert "the schedule broken off 2 0" in listed
    assert "not known" not in listed
    page = said(admin.get(portal.page(f"runs/{lost}")).content.decode())
    assert "It has ended: broken off." in page
    assert "The sync was broken off before it had ended." in page
    assert re.search(r"exported 2 Claims now: exported", page)


def test_the_list_goes_on_page_after_page(portal: Portal) -> None:
    portal.stage.query(
        "INSERT INTO syncs (id, organization_id, integration_id, trigger, started_at, finished_at,"
        " outcome) SELECT gen_random_uuid(), organization_id, id, 'schedule',"
        " now() - n * interval '1 hour', now(), 'ok'"
        " FROM organization_integrations, generate_series(1, 120) n"
    )
    browser, seen, address = portal.browser(), [], portal.page("runs?integration=ledger")
    while address:
        body = browser.get(address).content.decode()
        seen += re.findall(r'href="/o/alice/runs/([0-9a-f-]{36})"', body)
        older = re.findall(r'rel="next" href="([^"]+)"', body)
        address = portal.page("runs") + older[0].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 120


def test_syncs_of_one_moment_are_all_listed(portal: Portal) -> None:
    """Two that began together, with the edge of a page between them, both show, here and there."""
    portal.stage.query(
        "INSERT INTO syncs (id, organization_id, integration_id, trigger, started_at, finished_at,"
        " outcome) SELECT gen_random_uuid(), organization_id, id, 'schedule',"
        " '2026-01-01', now(), 'ok' FROM organization_integrations, generate_series(1, 60)"
    )
    portal.stage.query(
        "INSERT INTO sync_requests (id, organization_id, integration_id, actor, asked_at, asked,"
        " ended_at) SELECT gen_random_uuid(), organization_id, id, 'user a', '2026-01-01', '[]',"
        " now() FROM organization_integrations, generate_series(1, 60)"
    )
    browser, seen, address = portal.browser(), [], portal.page("runs")
    while address:
        body = browser.get(address).content.decode()
        seen += re.findall(r'href="/o/alice/runs/([0-9a-f-]{36})"', body)
        older = re.findall(r'rel="next" href="([^"]+)"', body)
        address = portal.page("runs") + older[0].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 120
    listed, address = [], "/api/v1/syncs?limit=7"
    while address:
        page = portal.stage.alice.get(address)
        listed += [one["id"] for one in page["syncs"]]
        address = page.get("next", "")
    assert listed == seen
