"""What is checked of every page as it stands in the browser: axe, and what axe does not look at.

Each check returns what is wrong in words, so that a test shows everything at once.
"""

from functools import cache
from pathlib import Path
from typing import Any

from tests.portal.browser import NARROW, WIDE, Window
from tests.repo.portal_texts import english_sentences

_AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
# Everything in WCAG 2.0 to 2.2, A and AA, and axe's best practices.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
# What colours decide; everything else is the same in every colour scheme.
_COLOUR_RULES = ["color-contrast", "link-in-text-block"]
_RUN = """async options => {
  const found = await axe.run(document, options);
  return found.violations.flatMap(rule => rule.nodes.map(node =>
      `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\\s+/g, ' ')}`));
}"""

# What the title of a page begins with that shows a summary of errors.
REFUSED = {"nb": "Feil: ", "nn": "Feil: ", "en": "Error: "}
# Landmarks and headings that a person finds the way by, and names that tell buttons apart.
_STRUCTURE = """() => {
  const wrong = [];
  const seen = one => one.getClientRects().length > 0;
  const headings = [...document.querySelectorAll('h1')].filter(seen);
  if (headings.length !== 1) wrong.push(`${headings.length} h1`);
  if (headings.some(one => !one.textContent.trim())) wrong.push('an empty h1');
  if (document.querySelectorAll('main').length !== 1) wrong.push('not one main');
  for (const [id, role] of [['status', 'status'], ['alert', 'alert']]) {
    const region = document.getElementById(id);
    if (!region || region.getAttribute('role') !== role) wrong.push(`no live region #${id}`);
  }
  const names = new Map();
  for (const one of document.querySelectorAll('main :is(button, a[href], summary)')) {
    if (!seen(one) || one.closest('[hidden]')) continue;
    const name = (one.getAttribute('aria-label') || one.textContent).replace(/\\s+/g, ' ').trim();
    const form = one.form;
    const leads = one.localName === 'a' ? one.href.split('#')[0] + one.hash
        : form && one.type === 'submit'
        ? [one.formAction || form.action, one.name, one.value,
           ...[...new FormData(form)].filter(([key]) => key !== 'csrfmiddlewaretoken')].join()
        : one.id || one.outerHTML;
    const key = `${one.localName} "${name}"`;
    if (names.has(key) && names.get(key) !== leads && one.localName !== 'summary')
      wrong.push(`two of ${key} do different things; name the row in them`);
    names.set(key, leads);
  }
  for (const table of document.querySelectorAll('main table')) {
    if (!table.caption || !table.caption.textContent.trim()) wrong.push('a table without caption');
    if (!table.querySelector('tbody th[scope=row]') && table.tBodies[0]?.rows.length)
      wrong.push(`no row headers in the table "${table.caption?.textContent.trim()}"`);
  }
  for (const select of document.querySelectorAll('main select'))
    if (select.options.length > 50) wrong.push(`a select of ${select.options.length} choices`);
  for (const one of document.querySelectorAll('[style], style, script:not([src]), [onclick]'))
    if (one.type !== 'application/json') wrong.push(`inline: ${one.outerHTML.slice(0, 120)}`);
  return wrong;
}"""


@cache
def _axe() -> str:
    if not _AXE.exists():
        raise RuntimeError(f"{_AXE} is missing: run `make setup`, which installs it by npm")
    return _AXE.read_text(encoding="utf-8")


def axe(window: Window, *, colours_only: bool = False) -> list[str]:
    """Return the violations that axe finds on the page as it stands."""
    if not window.page.evaluate("!!window.axe"):
        window.page.evaluate(_axe())
    only = {"type": "rule", "values": _COLOUR_RULES} if colours_only else None
    options: dict[str, Any] = {
        "runOnly": only or {"type": "tag", "values": _TAGS},
        "resultTypes": ["violations"],
        "preload": False,
    }
    return [str(one) for one in window.page.evaluate(_RUN, options)]


def structure(window: Window, language: str) -> list[str]:
    """Return what is wrong with headings, language, title, tables, names and live regions."""
    page = window.page
    wrong = [str(one) for one in page.evaluate(_STRUCTURE)]
    said = page.evaluate("document.documentElement.lang")
    if said != language:
        wrong.append(f'lang is "{said}", not "{language}"')
    if not page.title().partition("–")[0].strip(" –"):
        wrong.append(f'the title says nothing: "{page.title()}"')
    if page.title().startswith(REFUSED[language]) != bool(page.locator("#error-summary").count()):
        wrong.append(f'the title does not tell whether a form was refused: "{page.title()}"')
    shown = " ".join(str(page.evaluate("document.body.innerText")).split())
    if language != "en":
        wrong += [f'in English: "{one}"' for one in english_sentences(language) if one in shown]
    return wrong


def in_dark(window: Window) -> list[str]:
    """Return what is wrong with the colours of the dark scheme; leaves the page in light."""
    window.page.emulate_media(color_scheme="dark")
    try:
        return [f"dark: {one}" for one in axe(window, colours_only=True)]
    finally:
        window.page.emulate_media(color_scheme="light")


def in_forced_colours(window: Window) -> list[str]:
    """Return the violations where the person's own colours replace ours."""
    window.page.emulate_media(forced_colors="active")
    try:
        return [f"forced colours: {one}" for one in axe(window)]
    finally:
        window.page.emulate_media(forced_colors="none")


def narrow(window: Window, *, thoroughly: bool = True) -> list[str]:
    """Return what is wrong at 320 pixels: what is cut off, and violations if thoroughly."""
    page = window.page
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    try:
        wrong = [f"320 px: {one}" for one in axe(window)] if thoroughly else []
        return wrong + cut_off(window)
    finally:
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def cut_off(window: Window) -> list[str]:
    """Return what is out of sight at the width of now, and not in a region that scrolls."""
    page = window.page
    width = page.evaluate("innerWidth")
    wrong = [f"{width} px: {one}" for one in page.evaluate(_CUT_OFF, FITTING)]
    wide = page.evaluate("document.scrollingElement.scrollWidth")
    if wide > width:
        wrong.append(f"{width} px: the page is {wide} wide: {page.evaluate(_BEYOND)}")
    return wrong


# Tables whose every column is seen at 1280 pixels: what a person compares stands side by side.
FITTING = [
    "persons-caption", "steps-caption", "seen-caption", "lines-caption", "findings-caption",
    "sums-1",
]  # fmt: skip
_CUT_OFF = """fitting => {
  const wrong = [];
  const right = one => one.getBoundingClientRect().right;
  for (const table of document.querySelectorAll('main table')) {
    if (!table.caption || !table.getClientRects().length) continue;
    const name = `"${table.caption.textContent.trim()}"`;
    const region = table.closest('[role=region][tabindex="0"][aria-labelledby]');
    if (!region || region.getAttribute('aria-labelledby') !== table.caption.id) {
      wrong.push(`${name} is in no region that has its name and takes the focus`);
      continue;
    }
    if (getComputedStyle(region).overflowX !== 'auto') wrong.push(`${name} cannot be scrolled`);
    if (right(region) > Math.min(innerWidth, right(region.parentElement)) + 1)
      wrong.push(`the region of ${name} is cut off`);
    const words = document.createRange();
    words.selectNodeContents(table.caption);
    if (right(words) > right(region) + 1) wrong.push(`the caption ${name} is cut off`);
    if (innerWidth >= 1280 && fitting.includes(table.caption.id) &&
        region.scrollWidth > region.clientWidth + 1)
      wrong.push(`${name} is ${region.scrollWidth} wide, and ${region.clientWidth} is seen`);
    for (const cell of table.querySelectorAll('th, td'))
      if (getComputedStyle(cell).overflowX !== 'visible' && cell.scrollWidth > cell.clientWidth)
        wrong.push(`a cell of ${name} is cut off: ${cell.textContent.trim()}`);
  }
  return wrong;
}"""


_BEYOND = """() => [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1
        && !one.closest('.table-scroll')).slice(0, 3).map(one => one.outerHTML.slice(0, 100))"""
