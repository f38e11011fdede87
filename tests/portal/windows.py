"""The windows that pages are looked at in: one for each visitor and language."""

from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext

from tests.portal.browser import WIDE, Window, open_window
from tests.portal.live import Live
from tests.portal.visitors import Visitor


@dataclass
class Windows:
    """The open windows, one for each visitor and language, and the titles that were seen."""

    browser: Browser
    live: Live
    open: dict[tuple[str, str], Window] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def of(self, visitor: Visitor, language: str) -> Window:
        """Return the window of a visitor in a language, opened when it is first asked for."""
        key = (visitor.name, language)
        if key not in self.open:
            context = open_context(self.browser, self.live, visitor, language)
            self.open[key] = open_window(context, self.live.origin)
        return self.open[key]

    def close(self) -> None:
        """Close them all."""
        for window in self.open.values():
            window.page.context.close()


def open_context(browser: Browser, live: Live, visitor: Visitor, language: str) -> BrowserContext:
    """Open the browser of a visitor, who is signed in already, in a language."""
    context = browser.new_context(
        locale=language, viewport=WIDE, color_scheme="light", reduced_motion="reduce"  # type: ignore[arg-type]
    )  # fmt: skip
    cookies = {**visitor.cookies(), "django_language": language}
    context.add_cookies([{"name": n, "value": v, "url": live.origin} for n, v in cookies.items()])
    return context
