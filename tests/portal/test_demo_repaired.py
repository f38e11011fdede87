"""The demo, put right by one person through the portal alone.

She follows the number on each dashboard to its cause and its fix, until every organization is well
and the control report balances; each ledger then has each claim once, and the log is as written.
"""

import csv
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from bilag.app.demo_records import CLAIMANT_WITHOUT_PARTY, COST_CENTRE, SLIP, SYSTEMS
from bilag.app.postgres_cluster import DATABASE
from bilag.app.postgres_places import find_place
from tests.clusters import remove_home, server_of, temporary_home
from tests.database.test_cli_demo import DEMO_SECONDS_MAX, command, environment, ledgers
from tests.portal.browser import PATIENCE_SECONDS, WIDE, open_window
from tests.portal.people import code_of
from tests.ports import free_port

SLUGS = ("blindeforbundet", "hlf", "nhf")
# What the sync of the repaired claims may take on a busy machine; it takes some 5 s.
SYNC_SECONDS_MAX = 60.0


@dataclass(frozen=True)
class Demo:
    """A demo that runs: its folder, and what it printed."""

    home: Path
    printed: str

    def address(self, what: str) -> str:
        """Return the address that was printed before some words."""
        found = re.search(rf"(http://\S+)  {re.escape(what)}", self.printed)
        assert found is not None, (what, self.printed)
        return found[1].rstrip("/")

    def sign_in(self, email: str) -> tuple[str, str]:
        """Return the password of a person and the key of the app, as they were printed."""
        found = re.search(rf"{re.escape(email)} .*\n +password (\S+)  key (\S+)", self.printed)
        assert found is not None, self.printed
        return found[1], found[2]

    def bilag(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `bilag` in the demo's folder."""
        settings = {**environment(), "BILAG_HOME": str(self.home)}
        settings.pop("BILAG_DATABASE_URL")
        return subprocess.run(
            [sys.executable, "-m", "bilag.app.cli", *arguments], env=settings,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture
def demo() -> Iterator[Demo]:
    """`bilag demo` as it runs until Ctrl-C."""
    with temporary_home() as folder:
        home, out = folder / "demo", folder / "demo.out"
        with out.open("w") as printed:
            running = subprocess.Popen(
                command(home, "--port", str(free_port())),
                env=environment(), stdout=printed, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            until = time.monotonic() + DEMO_SECONDS_MAX
            while "coordinator@example.org" not in out.read_text():
                assert running.poll() is None, out.read_text()
                assert time.monotonic() < until, out.read_text()
                time.sleep(0.1)
            yield Demo(home, out.read_text())
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(PATIENCE_SECONDS * 3)
            if find_place(home):
                remove_home(home)


@dataclass
class Administrator:
    """She has a browser, and what the demo printed."""

    page: Page
    demo: Demo

    def follow(self, link: str | re.Pattern[str]) -> None:
        """Follow the only link of this name in the content of the page."""
        exact = isinstance(link, str)
        self.page.get_by_role("main").get_by_role("link", name=link, exact=exact).press("Enter")

    def turn_to(self, place: str) -> None:
        """Choose a page in the navigation."""
        places = self.page.get_by_role("navigation", name="Pages")
        places.get_by_role("link", name=place, exact=True).press("Enter")

    def press(self, button: str) -> None:
        """Press a button of the page."""
        self.page.get_by_role("button", name=button, exact=True).press("Enter")

    def fill(self, label: str, text: str) -> None:
        """Write into a field by its label."""
        self.page.get_by_label(re.compile(f"^{re.escape(label)}")).fill(text)

    def heading(self, text: str) -> None:
        """Wait for the page with this heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def hears(self, text: str) -> None:
        """Wait for what a page says about what was done just now."""
        expect(self.page.get_by_role("main")).to_contain_text(text)

    def come_in(self) -> None:
        """Sign in with both factors, as printed."""
        password, key = self.demo.sign_in("administrator@example.org")
        self.page.goto(self.demo.address("the portal"))
        self.page.locator('[name="login"]').fill("administrator@example.org")
        self.page.locator('[name="password"]').fill(password)
        self.page.keyboard.press("Enter")
        self.page.locator('[name="code"]').fill(code_of(key))
        self.page.keyboard.press("Enter")
        self.heading("Your organizations")

    def choose(self, organization: str) -> None:
        """Go to another organization's overview."""
        if self.page.get_by_role("link", name="Change organization").count():
            self.page.get_by_role("link", name="Change organization").press("Enter")
        self.follow(re.compile(organization))
        self.heading("Overview")

    def read_dashboard(self, says: str) -> None:
        """Read how the organization stands; what it says is the same in the frame of each page."""
        self.turn_to("Overview")
        self.hears(says)

    def save_mapping(self) -> None:
        """See what saving does, and save; what is held by the change is tried again."""
        self.hears("Your change is kept")
        self.follow("See what saving does, and save")
        self.heading("Save the mapping")
        self.press("Save the mapping")
        self.heading("Versions of the mapping")

    def mend_the_cost_centre(self) -> None:
        """From the number of refused claims to the slip in the mapping, and back to retry them."""
        self.follow(re.compile(r"^12 failed \(Regnskapet\)$"))
        self.heading("Failed claims")
        self.hears("12 claims, causes: 1")
        self.hears(f"AVDELING = {SLIP}")
        self.follow(re.compile(f"^Cost centre {COST_CENTRE}"))
        self.fill("Code in the ledger", COST_CENTRE)
        self.press("Keep this")
        self.save_mapping()
        self.hears("12 refused claims are sent by the version in force when somebody retries them.")
        self.follow("Failed claims")
        self.press("Retry all claims of cause 1")
        self.hears("12 claims are queued")
        self.hears("No claim has failed")

    def mend_what_is_held(self, count: int, link: str, field: str, code: str) -> None:
        """From the number of held claims to what is missing in the mapping."""
        self.turn_to("Overview")
        self.follow(re.compile(rf"^{count} held \(Regnskapet\)$"))
        self.heading("Held claims")
        self.follow(re.compile(f"^{link}"))
        self.fill(field, code)
        self.press("Keep this")
        self.save_mapping()
        self.turn_to("Held claims")
        self.hears("No claim is held")

    def decide(self, claim: str) -> bool:
        """Look into the ledger for a claim in doubt and decide; returns whether it stood there."""
        self.turn_to("Claims in doubt")
        self.follow(claim)
        self.heading(f"Evidence of claim {claim}")
        reference = self.page.locator("main dl code").first.inner_text()
        booked = self.look_into_ledger(reference)
        if booked:
            self.follow("It is booked there")
            self.fill("Number in the accounting system", booked[1])
            self.fill("The accounting system's own id of it", booked[0])
            self.fill("Reason", f"Found by {reference}")
            self.press(f"Note claim {claim} as booked")
            self.hears(f"Claim {claim} now stands as exported")
        else:
            self.follow("It is not there: send it again")
            self.fill("Reason", f"Nothing is found by {reference}")
            self.press(f"Send claim {claim} again")
            self.hears(f"Claim {claim} now stands as pending")
        return bool(booked)

    def look_into_ledger(self, reference: str) -> list[str]:
        """Search the accounting system, in a window of its own; returns id and voucher number."""
        ledger = self.page.context.new_page()
        ledger.goto(self.demo.address("the ledger of nhf"))
        ledger.get_by_label("Reference").fill(reference)
        ledger.keyboard.press("Enter")
        ledger.get_by_text(reference).first.wait_for()
        found = [cell.inner_text() for cell in ledger.locator("tbody tr > *").all()]
        ledger.close()
        return found[:2]

    def wait_until_well(self) -> None:
        """Look at the overview until the sync of what was repaired is through."""
        until = time.monotonic() + SYNC_SECONDS_MAX
        self.turn_to("Overview")
        while "All is well" not in (told := self.page.get_by_role("main").inner_text()):
            assert time.monotonic() < until, told
            self.page.wait_for_timeout(300)
            self.page.reload()

    def acknowledge(self) -> None:
        """Read the alerts that are open still, and acknowledge them."""
        self.turn_to("Alerts")
        self.heading("Alerts")
        buttons = self.page.get_by_role("button", name=re.compile("^Acknowledge alert"))
        for left in range(buttons.count(), 0, -1):
            buttons.first.press("Enter")
            expect(buttons).to_have_count(left - 1)

    def control(self) -> dict[str, int]:
        """Ask for the control report of the year; returns the claims of each state."""
        self.turn_to("Control report")
        self.fill("From", "2026-01-01")
        self.fill("To", "2026-12-31")
        self.press("Show the period")
        self.hears("What was approved is the sum of what became of it, to the øre.")
        counts: dict[str, int] = {}
        for row in self.page.locator("main table[class=ds-table] tbody tr").all():
            state, count, _amount = (cell.inner_text() for cell in row.locator("th, td").all())
            state = state.split("\n")[-1].strip()
            counts[state] = counts.get(state, 0) + int(count.split()[0])
        for row in self.page.locator("main tfoot tr").all():
            assert row.locator("td").all_inner_texts() == ["0", "0.00"]
        return counts

    def exported(self) -> list[str]:
        """Follow the number of what is booked, and return the references of the file behind it."""
        self.turn_to("Overview")
        booked = self.page.get_by_role("link", name=re.compile(r"exported, Regnskapet$"))
        booked.last.press("Enter")
        self.heading("Claims")
        with self.page.expect_download() as download:
            self.follow("Download what the filters leave as a file for spreadsheets (CSV)")
        text = download.value.path().read_text("utf-8-sig")
        return [row["Reference"] for row in csv.DictReader(text.splitlines(), delimiter=";")]


def test_all_of_it_is_repaired_through_the_portal_alone(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(locale="en", viewport=WIDE, reduced_motion="reduce")  # type: ignore[arg-type]
    window = open_window(context, demo.address("the portal"))
    ada = Administrator(window.page, demo)
    started = time.monotonic()
    try:
        ada.come_in()
        ada.choose("Blindeforbund")
        ada.read_dashboard("All is well")
        ada.choose("HLF")
        ada.read_dashboard("14 claims wait for a decision")
        ada.mend_the_cost_centre()
        ada.mend_what_is_held(2, "Expense type tolketjeneste", "Ledger account", "6860")
        ada.choose("Handikap")
        ada.read_dashboard("3 claims wait for a decision")
        ada.mend_what_is_held(1, f"Claimant {CLAIMANT_WITHOUT_PARTY}", "Supplier", "50999")
        ada.read_dashboard("2 claims wait for a decision")
        ada.follow(re.compile(r"^2 needs review \(Regnskapet\)$"))
        ada.heading("Claims in doubt")
        claims = ada.page.locator("main tbody th").all_inner_texts()
        assert sorted(ada.decide(claim) for claim in claims) == [False, True]
        for name, slug in zip(("Blindeforbund", "HLF", "Handikap"), SLUGS, strict=True):
            ada.choose(name)
            ada.wait_until_well()
            ada.acknowledge()
            counts = ada.control()
            assert set(counts) <= {"approved", "exported", "excluded", "cancelled"}, slug
            exported = ada.exported()
            assert len(exported) == counts["exported"]
            booked = [entry["reference"] for entry in ledger_of(demo.home, slug)]
            assert sorted(booked) == sorted(exported), "each claim stands there once"
        assert window.mistakes() == []
    finally:
        context.close()
    print(f"repaired and proven in {time.monotonic() - started:.0f} s")
    verify_names_what_a_superuser_changed(demo)


def ledger_of(home: Path, slug: str) -> list[dict[str, str]]:
    """Return what the accounting system of an organization has booked."""
    return ledgers(home)[f"ledger-{SYSTEMS[slug]}.ndjson"]


def verify_names_what_a_superuser_changed(demo: Demo) -> None:
    """`bilag audit verify` finds nothing, and then the one row that was changed by hand."""
    whole = demo.bilag("audit", "verify")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert all(f"{slug}: ok;" in whole.stdout for slug in SLUGS)
    server = server_of(demo.home)
    server.start()
    try:
        with psycopg.connect(server.superuser_url(), dbname=DATABASE) as superuser:
            superuser.execute("SET session_replication_role = replica")  # no trigger hinders
            changed = superuser.execute(
                "UPDATE sync_logs SET outcome = 'accepted' WHERE id = (SELECT max(id)"
                " FROM sync_logs WHERE outcome = 'rejected') RETURNING id"
            ).fetchone()
    finally:
        server.stop()
    assert changed is not None
    found = demo.bilag("audit", "verify")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "hlf: NOT AS IT WAS WRITTEN" in found.stdout
    assert str(changed[0]) in found.stdout
    assert all(f"{slug}: ok;" in found.stdout for slug in ("blindeforbundet", "nhf"))
