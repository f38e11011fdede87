"""The listener and the checks of a page themselves: what they hear, and that they can fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.portal.axe import axe, in_dark, narrow, structure
from tests.portal.browser import WIDE, Window
from tests.portal.heard import Listener, SaysNothing

_PAGE = """<!doctype html><html lang="nb"><head><title>Konto – bilag</title></head><body>
<main><h1>Konto</h1>
<div role="status" id="status"></div><div role="alert" id="alert"></div>
<form action="javascript:void(0)">
<fieldset><legend>Bokføring</legend>
<label for="a">Konto</label><input id="a" required aria-invalid="true" aria-describedby="h e">
<p id="h">Fire sifre</p><p id="e">Kontoen finnes ikke</p>
<label><input type="checkbox" id="c"> Med mva</label></fieldset>
<button type="button" id="b" aria-expanded="false">Vis forslag</button>
<p lang="en"><button type="button" id="n">Nothing</button></p></form>
<table><caption>Krav</caption><thead><tr><th scope="col">Krav</th><th scope="col">Sum</th></tr>
</thead><tbody><tr><th scope="row">C-017</th><td>349,50</td></tr></tbody></table></main>
<script>
const say = text => { document.getElementById('status').textContent = text; };
document.getElementById('a').addEventListener('input', event => {
  if (event.target.value === '7140') setTimeout(() => say('7140 Reisekostnader'), 20); });
document.getElementById('b').addEventListener('click', event => {
  event.target.setAttribute('aria-expanded', 'true'); });
</script></body></html>"""

_TOO_DARK = "@media (prefers-color-scheme: dark) {html {background: #111} h1 {color: #222}}"

_HEARD = """\
open /
    page "Konto – bilag"
Tab
    into main
    into group "Bokføring"
    textbox "Konto" required invalid - "Fire sifre Kontoen finnes ikke"
type 7140
    textbox "Konto" value "7140" required invalid - "Fire sifre Kontoen finnes ikke"
    status: "7140 Reisekostnader"
Tab
    checkbox "Med mva" not checked
Space
    checkbox "Med mva" checked
Tab
    button "Vis forslag" collapsed
Enter
    button "Vis forslag" expanded
Tab
    button "Nothing" in en
read
    heading 1 "Konto"
    "7140 Reisekostnader"
    group "Bokføring"
      textbox "Konto" value "7140" required invalid - "Fire sifre Kontoen finnes ikke"
      "Fire sifre"
      "Kontoen finnes ikke"
      checkbox "Med mva" checked
    button "Vis forslag" expanded
    button "Nothing"
    table "Krav"
      Krav | Sum
      C-017 | 349,50
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def _listener(page: Page, tmp_path: Path, html: str = _PAGE) -> Listener:
    page.route(
        "http://bilag.test/",
        lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"),
    )
    listener = Listener(page, "trial", "nb", folder=tmp_path)
    listener.open("http://bilag.test/")
    return listener


def test_what_is_heard_of_a_page(page: Page, tmp_path: Path) -> None:
    listener = _listener(page, tmp_path)
    listener.press("Tab")
    listener.type("7140")
    listener.press("Tab")
    listener.press("Space")
    listener.to('button "Vis')
    listener.press("Enter")
    listener.press("Tab")
    listener.read()
    assert listener.text().splitlines() == _HEARD.splitlines()


def test_a_step_that_says_nothing_fails(page: Page, tmp_path: Path) -> None:
    listener = _listener(page, tmp_path)
    listener.to('button "Nothing"')
    with pytest.raises(SaysNothing, match="nothing is heard after: Enter"):
        listener.press("Enter")


def test_a_focus_without_a_name_fails(page: Page, tmp_path: Path) -> None:
    listener = _listener(page, tmp_path, _PAGE.replace('<label for="a">Konto</label>', ""))
    with pytest.raises(SaysNothing, match="without a name"):
        listener.press("Tab")


def test_a_lost_focus_fails(page: Page, tmp_path: Path) -> None:
    removes = _PAGE.replace("event.target.setAttribute('aria-expanded', 'true');",
                            "event.target.remove();")  # fmt: skip
    listener = _listener(page, tmp_path, removes)
    listener.to('button "Vis')
    with pytest.raises(SaysNothing, match="the focus is lost"):
        listener.press("Enter")


def test_a_live_region_that_is_swapped_fails(page: Page, tmp_path: Path) -> None:
    swaps = _PAGE.replace(
        "document.getElementById('status').textContent = text;",
        "region.outerHTML = `<div role=status>${text}</div>`;",
    ).replace("const say", "const region = document.getElementById('status'); const say")
    listener = _listener(page, tmp_path, swaps)
    listener.press("Tab")
    with pytest.raises(AssertionError, match="taken out of the page"):
        listener.type("7140")


def test_a_script_is_compared(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BILAG_HEARD", raising=False)
    listener = _listener(page, tmp_path)
    with pytest.raises(AssertionError, match="make heard"):
        listener.finish()
    monkeypatch.setenv("BILAG_HEARD", "write")
    listener.finish()
    monkeypatch.delenv("BILAG_HEARD")
    listener.finish()
    listener.press("Tab")
    with pytest.raises(AssertionError, match="into main"):
        listener.finish()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("<h1>Konto</h1>", ""), "0 h1"),
        (('lang="nb"', 'lang="en"'), 'lang is "en"'),
        (('<label for="a">Konto</label>', ""), "label: #a"),
        ((' id="status"', ""), "no live region #status"),
        (("<caption>Krav</caption>", ""), "a table without caption"),
        (('th scope="row"', 'td data-x="row"'), "no row headers"),
        (("Vis forslag", "Nothing"), "two of button"),
        (("<h1>", '<h1 style="color: #ccc">'), "color-contrast"),
        (("<h1>", '<h1 style="width: 400px">'), "320 px: the page is"),
        (("</head>", f"<style>{_TOO_DARK}</style></head>"), "dark: color-contrast"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_page_is_found(
    page: Page, change: tuple[str, str], found: str
) -> None:
    window = Window(page, "http://bilag.test")
    page.set_content(_PAGE.replace(*change))
    wrong = [*structure(window, "nb"), *axe(window), *in_dark(window), *narrow(window)]
    assert found in "\n".join(wrong)
