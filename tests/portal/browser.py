"""Debian's Chromium, driven by Playwright: one browser, and pages that note what goes wrong.

`make test` installs the browser where it may; see CHROMIUM for where it is looked for.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    sync_playwright,
)

CHROMIUM = Path(os.environ.get("BILAG_TEST_CHROMIUM") or "/usr/bin/chromium")
WIDE = {"width": 1280, "height": 900}
# WCAG 1.4.10: as narrow as a page of 1280 pixels is at 400 percent.
NARROW = {"width": 320, "height": 640}
# Failure policy: a page that is not there within this fails its test.
PATIENCE_SECONDS = 20.0
_NO_BROWSER = (
    f"the tests of the portal need Chromium at {CHROMIUM}: run `make test` as root on Debian, which"
    " installs it, or install the package chromium, or let BILAG_TEST_CHROMIUM name another place"
)

# What the policy of the page refused; noted here because the console does not always tell.
_WATCH = """
window.bilagRefused = [];
document.addEventListener('securitypolicyviolation', event => window.bilagRefused.push(
    `${event.violatedDirective}: ${event.blockedURI || 'inline'}`));
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a window; raises RuntimeError where there is none to run."""
    if not CHROMIUM.exists():
        raise RuntimeError(_NO_BROWSER)
    with sync_playwright() as playwright:
        # Without a sandbox, since tests run as root in a container; it meets our own pages only.
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Window:
    """One browser page with what went wrong on it since it was last asked."""

    page: Page
    origin: str
    wrong: list[str] = field(default_factory=list)
    status: int = 0

    def go(self, path: str) -> int:
        """Open an address of the portal and return the status of the answer."""
        answer = self.page.goto(self.origin + path, wait_until="load")
        assert answer is not None, path
        self.status = answer.status
        return self.status

    @property
    def path(self) -> str:
        """Return where the window is now."""
        return urlsplit(self.page.url).path

    def answer(self, path: str) -> int:
        """Return the status of an address, without opening it."""
        return self.page.request.get(self.origin + path, max_redirects=0).status

    def mistakes(self) -> list[str]:
        """Return and forget errors on the console, failed requests and refusals of the policy."""
        found = self.wrong + [str(one) for one in self.page.evaluate("window.bilagRefused || []")]
        self.page.evaluate("window.bilagRefused = []")
        self.wrong = []
        return found

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # The browser complains of every answer from 400 on; a form with an error is one of them.
        if "the server responded with a status of" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(
            self.origin + "/"
        ):
            self.wrong.append(f"asked another server: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.status = response.status

    def _failed(self, request: Request) -> None:
        # A page that is left before it is complete is no fault of the page.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"{request.failure}: {request.url}")


def open_window(context: BrowserContext, origin: str) -> Window:
    """Open a page that notes errors, refusals of the policy and requests to other servers."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.add_init_script(_WATCH)
    window = Window(page, origin)
    page.on("console", window._console)
    page.on("pageerror", lambda error: window.wrong.append(f"error: {error}"))
    page.on("request", window._asked)
    page.on("requestfailed", window._failed)
    page.on("response", window._answered)
    return window
