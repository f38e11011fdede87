"""The demo, put right by one person through the portal alone.

She follows the number on each dashboard to its cause and its fix, until every organization is well
and the control report balances; each ledger then has each claim once, and the log is as written.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import orjson
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from bilag.app.demo_records import claims_of_all
from bilag.app.postgres_places import find_place
from tests.clusters import remove_home, server_of, temporary_home
from tests.database.test_cli_demo import DEMO_SECONDS_MAX, command, environment, ledgers
from tests.portal.axe import axe
from tests.portal.browser import PATIENCE_SECONDS, WIDE, open_window
from tests.portal.live import free_port
from tests.portal.people import code_of

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
        self.page.get_by_label(label, exact=True).fill(text)

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

    def choose(self, organization: str) -> None:
        """Go to another organization's overview."""
        if self.page.get_by_role("link", name="Change organization").count():
            self.page.get_by_role("link", name="Change organization").press("Enter")
        self.follow(re.compile(organization))
        self.heading("Overview")
