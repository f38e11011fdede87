"""What a person hears who walks a page by keyboard: a script, kept as a text beside the tests.

Each step notes what the focus is on (role, name, states, description, from the accessibility tree),
what surrounds it newly, and what live regions said. A step that says nothing fails.
"""

import difflib
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, Request

SCRIPTS = Path(__file__).parent / "heard"
# `make heard` sets it: the scripts are written anew instead of compared.
REWRITE = "BILAG_HEARD"
# Failure policy: a step whose page is not at rest after this fails; the longest is the connection
# test, which ends within 10 s by itself.
STEP_SECONDS_MAX = 20.0
_TABS_MAX = 80
_POLL_MS = 30
# How long nothing may happen until a step has ended; a field that asks the server waits a moment.
_QUIET_MS = 60
_QUIET_TYPED_MS = 600
# What an answer says is put into the status region when the new page has been there for a moment.
_QUIET_NEW_MS = 350

_SURROUNDINGS = {
    "banner", "navigation", "main", "contentinfo", "complementary", "search", "dialog",
    "alertdialog", "table", "grid", "listbox", "menu", "tablist", "tabpanel", "toolbar",
}  # fmt: skip
_SURROUNDINGS_WITH_A_NAME = {
    "form", "region", "group", "radiogroup", "list", "article", "Date", "DateTime", "InputTime",
}  # fmt: skip
# Fields in which the keyboard goes from part to part: day, month, year.
_OF_PARTS = {"Date", "DateTime", "InputTime"}
# What the browser calls otherwise than a screen reader does.
_CALLED = {
    "DisclosureTriangle": "disclosure button", "DisclosureTriangleGrouped": "disclosure button",
    "Date": "date", "DateTime": "date and time", "InputTime": "time",
}  # fmt: skip
_STATES: Mapping[str, Mapping[str, str]] = {
    "checked": {"true": "checked", "false": "not checked", "mixed": "partly checked"},
    "pressed": {"true": "pressed", "false": "not pressed"},
    "expanded": {"true": "expanded", "false": "collapsed"},
    "selected": {"true": "selected"},
    "disabled": {"true": "not available"},
    "readonly": {"true": "read only"},
    "required": {"true": "required"},
    "invalid": {"true": "invalid", "spelling": "invalid", "grammar": "invalid"},
}

# Only regions that stood in the page when it had been read are heard: screen readers miss others.
_LISTEN = """
(() => {
  const LIVE = '[role=status],[role=alert],[role=log],output,' +
      '[aria-live=polite],[aria-live=assertive]';
  const heard = window.bilagHeard = [];
  const standing = new Set();
  const text = region => {
    const copy = region.cloneNode(true);
    copy.querySelectorAll('[aria-hidden=true],[hidden],script').forEach(one => one.remove());
    return copy.textContent.replace(/\\s+/g, ' ').trim();
  };
  const role = region => region.getAttribute('role') === 'alert' ||
      region.getAttribute('aria-live') === 'assertive' ? 'alert' : 'status';
  const changed = records => {
    const said = new Map();
    for (const record of records) {
      const target = record.target.nodeType === 1 ? record.target : record.target.parentElement;
      const region = target && target.closest(LIVE);
      if (!region || !standing.has(region)) continue;
      if (!said.has(region)) said.set(region, new Set());
      const fresh = record.type === 'childList' ? record.addedNodes : [target];
      fresh.forEach(one => said.get(region).add(one.nodeType === 1 ? one : one.parentElement));
    }
    for (const region of [...standing]) if (!region.isConnected) {
      standing.delete(region);
      heard.push(['fault', 'a live region was taken out of the page: ' + region.outerHTML]);
    }
    for (const region of document.querySelectorAll(LIVE)) if (!standing.has(region)) {
      standing.add(region);
      heard.push(['fault', 'a live region came later than the page: ' + region.outerHTML]);
    }
    for (const region of standing) if (said.has(region) && region.getClientRects().length) {
      // what is not atomic is heard by what came to it; anything else is said again as a whole
      const parts = region.getAttribute('aria-atomic') === 'false' ?
          [...said.get(region)].filter(one => one && region.contains(one)) : [region];
      const now = parts.map(text).join(' ').trim();
      if (now) heard.push([role(region), now]);
    }
  };
  document.addEventListener('readystatechange', () => {
    if (document.readyState !== 'interactive') return;
    document.querySelectorAll(LIVE).forEach(one => standing.add(one));
    new MutationObserver(changed).observe(document.documentElement,
        {subtree: true, childList: true, characterData: true});
  });
})();
"""
_FOCUS = """() => {
  let at = document.activeElement;
  const active = at && at.getAttribute('aria-activedescendant');
  return (active && document.getElementById(active)) || at;
}"""
_ABOUT = """function () {
  const said = this.closest('[lang]');
  return {name: this.getAttribute('name') || '', current: this.getAttribute('aria-current') || '',
          lang: said ? said.lang : '', page: document.documentElement.lang,
          asks: !!this.closest('[hx-get],[hx-post]') || this.hasAttribute('data-asks')};
}"""


_WAIT = """([quiet, fresh, known]) => new Promise(done => setTimeout(
    () => done(document.readyState === 'complete'),
    performance.timeOrigin === known ? quiet : Math.max(quiet, fresh)))"""


class SaysNothing(AssertionError):
    """A step after which a screen reader would be silent, or a focus without a name."""


class Listener:
    """Walks pages by keyboard and writes down what is heard; `finish` compares the script.

    `same` replaces what differs from run to run (pattern to replacement) before it is written.
    """

    def __init__(
        self,
        page: Page,
        name: str,
        language: str,
        *,
        same: Sequence[tuple[str, str]] = (),
        folder: Path = SCRIPTS,
    ) -> None:
        self.page = page
        self.file = folder / f"{name}.{language}.txt"
        self.lines: list[str] = []
        self._same = [(re.compile(pattern), instead) for pattern, instead in same]
        self._under_way = self._asked = 0
        self._document = 0.0
        self._node = ""
        self._line = ""
        self._around: list[str] = []
        page.add_init_script(_LISTEN)
        page.on("request", self._began)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        self._devtools = page.context.new_cdp_session(page)

    def open(self, address: str) -> None:
        """Open an address, as somebody does who types it into the address bar."""
        self._step("open " + re.sub(r"^https?://[^/]+", "", address), lambda: self._goto(address))

    def press(self, key: str) -> None:
        """Press a key once, named as Playwright names it: Tab, Enter, Space, ArrowDown, Escape."""
        self._step(key, lambda: self.page.keyboard.press(key))

    def type(self, text: str, *, shown: str = "") -> None:
        """Type a text into the field in focus; `shown` stands in the script for a secret."""
        if shown:
            self._same.append((re.compile(re.escape(text)), shown))
        self._step(f"type {shown or text}", lambda: self.page.keyboard.type(text))

    def to(self, wanted: str, key: str = "Tab") -> None:
        """Press a key until what is heard begins so (`button "Save"`), or `#` a field's name."""
        for _ in range(_TABS_MAX):
            self.press(key)
            if self._line.startswith(wanted) or self._about()["name"] == wanted.removeprefix("#"):
                return
        raise SaysNothing(f"{_TABS_MAX} x {key} did not lead to {wanted}\n{self.text()}")

    def wait(self, seconds: float) -> None:
        """Do nothing until a live region says something by itself, at most so long."""
        until = time.monotonic() + seconds

        def listen() -> None:
            while not self.page.evaluate("window.bilagHeard.length"):
                assert time.monotonic() < until, f"nothing was said by itself\n{self.text()}"
                self.page.wait_for_timeout(_POLL_MS)

        self._step("wait", listen)

    def read(self) -> None:
        """Read the main part of the page from its top, as with a screen reader's reading key."""
        nodes = self._devtools.send("Accessibility.getFullAXTree")["nodes"]
        lines = reading(nodes)
        if not lines:
            raise SaysNothing(f"there is nothing to read in the main part\n{self.text()}")
        self._note(["read", *(f"    {line}" for line in lines)])

    def finish(self) -> None:
        """Compare the script with the one that is kept, or write it where REWRITE is set."""
        if os.environ.get(REWRITE):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(self.text(), encoding="utf-8")
            return
        kept = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        if kept != self.text():
            changes = difflib.unified_diff(
                kept.splitlines(), self.text().splitlines(), "kept", "heard now", lineterm=""
            )
            raise AssertionError(
                f"{self.file.name} is not what is heard now; read the difference, and run"
                " `make heard` when it is right:\n" + "\n".join(changes)
            )

    @property
    def focus(self) -> str:
        """Return what was heard last of the focus, empty on a page where nothing has it."""
        return self._line

    def text(self) -> str:
        """Return the script so far."""
        return "\n".join(self.lines) + "\n"

    def _goto(self, address: str) -> None:
        self.page.goto(address, wait_until="load")

    def _step(self, what: str, act: Callable[[], object]) -> None:
        typed = what.startswith("type ")
        act()
        self._settle(_QUIET_TYPED_MS if typed and self._about()["asks"] else _QUIET_MS)
        said, faults = self._said(what.endswith("Tab"))
        self._note([what, *(f"    {line}" for line in said)])
        if faults:
            raise AssertionError("\n".join([*faults, self.text()]))
        if not said:
            raise SaysNothing(f"nothing is heard after: {what}\n{self.text()}")

    def _said(self, by_tab: bool) -> tuple[list[str], list[str]]:
        said: list[str] = []
        document = float(self.page.evaluate("performance.timeOrigin"))
        if document != self._document:
            self._document, self._node, self._line, self._around = document, "", "", []
            said.append(f'page "{self.page.title()}"')
        said += self._focus(by_tab)
        heard = self.page.evaluate("(window.bilagHeard || []).splice(0)")
        faults = [text for kind, text in heard if kind == "fault"]
        said += [f'{kind}: "{text}"' for kind, text in heard if kind != "fault"]
        return said, faults

    def _focus(self, by_tab: bool) -> list[str]:
        """Return what is heard of the focus, empty when it neither moved nor changed.

        Only Tab may lead out of the page, to what the browser itself has.
        """
        place = self._place()
        if place is None:
            return []
        found = self._devtools.send(
            "Accessibility.getPartialAXTree", {"objectId": place, "fetchRelatives": True}
        )["nodes"]
        node = found[0]
        if value_of(node, "role") in ("RootWebArea", "none", "generic", ""):
            left = self._node
            self._node, self._line, self._around = "", "", []
            if left and not by_tab:
                raise SaysNothing(f"the focus is lost\n{self.text()}")
            return ["the end of the page"] if left else []
        about, around = self._about(), surroundings(found)
        if value_of(node, "role") in _OF_PARTS:
            around.append((node["nodeId"], line_of(node, {})))
            parts = self._devtools.send("Accessibility.queryAXTree", {"objectId": place})["nodes"]
            node = next((one for one in parts[1:] if _given(one).get("focused")), node)
        line = line_of(node, about)
        entered = [text for key, text in around if key not in self._around]
        moved = node["nodeId"] != self._node
        if not moved and line == self._line:
            return []
        # the main part needs no name: it is heard as such, and reading goes on from there
        if not value_of(node, "name") and value_of(node, "role") != "main":
            raise SaysNothing(f"the focus is on something without a name: {line}\n{self.text()}")
        self._node, self._line = node["nodeId"], line
        self._around = [key for key, _ in around]
        return [*(f"into {text}" for text in entered), line]

    def _place(self) -> str | None:
        found = self._devtools.send("Runtime.evaluate", {"expression": f"({_FOCUS})()"})["result"]
        return str(found["objectId"]) if "objectId" in found else None

    def _about(self) -> dict[str, Any]:
        place = self._place()
        if place is None:
            return {"name": "", "current": "", "lang": "", "page": "", "asks": False}
        found: dict[str, Any] = self._devtools.send(
            "Runtime.callFunctionOn",
            {"objectId": place, "functionDeclaration": _ABOUT, "returnByValue": True},
        )["result"]["value"]
        return found

    def _settle(self, quiet_ms: int) -> None:
        """Wait until nothing is under way, and for what the page says a moment later by itself."""
        until = time.monotonic() + STEP_SECONDS_MAX
        while True:
            asked = self._asked
            try:
                # by the page's own clock, whose timers come in turn however busy the machine is
                ready = self.page.evaluate(_WAIT, [quiet_ms, _QUIET_NEW_MS, self._document])
                if ready and not self._under_way and asked == self._asked:
                    return
            except Error:
                self.page.wait_for_timeout(_POLL_MS)  # the page is just being left
            assert time.monotonic() < until, f"the page comes to no rest\n{self.text()}"

    def _began(self, _request: Request) -> None:
        self._asked += 1
        self._under_way += 1

    def _ended(self, _request: Request) -> None:
        self._under_way -= 1

    def _note(self, lines: Sequence[str]) -> None:
        for line in lines:
            for pattern, instead in self._same:
                line = pattern.sub(instead, line)
            self.lines.append(line)


def value_of(node: Mapping[str, Any], field: str) -> str:
    """Return a field of a node of the accessibility tree as a text, empty where there is none."""
    return " ".join(str(node.get(field, {}).get("value", "") or "").split())


def line_of(node: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return what is heard of a node: role, name, value, states, description, language."""
    role = value_of(node, "role")
    name = value_of(node, "name")
    parts = [_CALLED.get(role, role), *([f'"{name}"'] if name or role != "main" else [])]
    given = _given(node)
    if role == "heading" and given.get("level"):
        parts[0] = f"heading {given['level']}"
    if value_of(node, "value"):
        parts.append(f'value "{value_of(node, "value")}"')
    for state, words in _STATES.items():
        word = words.get(str(given.get(state, "")).lower())
        if word:
            parts.append(word)
    if about.get("current"):
        current = about["current"]
        parts.append("current" if current == "true" else f"current {current}")
    if value_of(node, "description"):
        parts.append(f'- "{value_of(node, "description")}"')
    if about.get("lang") != about.get("page"):
        parts.append(f"in {about['lang']}")
    return " ".join(parts)


def _given(node: Mapping[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["value"].get("value") for one in node.get("properties", ())}


def surroundings(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the landmarks, groups and tables around the first node, the outermost first."""
    by_id = {node["nodeId"]: node for node in found}
    around: list[tuple[str, str]] = []
    node = by_id.get(found[0].get("parentId", ""))
    while node is not None:
        role, name = value_of(node, "role"), value_of(node, "name")
        if role in _SURROUNDINGS or (role in _SURROUNDINGS_WITH_A_NAME and name):
            text = f'{_CALLED.get(role, role)} "{name}"' if name else role
            description = value_of(node, "description")
            around.append((node["nodeId"], f'{text} - "{description}"' if description else text))
        node = by_id.get(node.get("parentId", ""))
    return around[::-1]


_SINGLE = {"heading", "link", "button", "textbox", "searchbox", "combobox", "checkbox", "radio",
           "switch", "spinbutton", "image", "option", "DisclosureTriangle",
           "DisclosureTriangleGrouped", "slider", "progressbar", "ProgressIndicator"}  # fmt: skip
_CELLS = {"cell", "gridcell", "rowheader", "columnheader"}


def reading(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of the main part of a page: headings, texts, controls, rows of tables."""
    by_id = {node["nodeId"]: node for node in nodes}
    top = next((node for node in nodes if value_of(node, "role") == "main"), None)
    return _read(top, by_id) if top else []


def _read(node: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> list[str]:
    role = value_of(node, "role")
    below = [by_id[one] for one in node.get("childIds", ()) if one in by_id]
    if node.get("ignored"):
        return _texts(below, by_id)
    if role == "StaticText":
        return [f'"{value_of(node, "name")}"'] if value_of(node, "name") else []
    if role in _SINGLE:
        return [line_of(node, {})]
    if role == "row":
        cells = [one for one in _flat(below, by_id) if value_of(one, "role") in _CELLS]
        return [" | ".join(value_of(one, "name") or "(empty)" for one in cells)]
    if role in (
        "LabelText",
        "Legend",
        "Caption",
        "caption",
    ):  # heard as the name of what they label
        below = [one for one in below if value_of(one, "role") != "StaticText"]
    lines = _texts(below, by_id)
    named = _SURROUNDINGS | _SURROUNDINGS_WITH_A_NAME
    if role in named - {"main"} and value_of(node, "name"):
        told = f'{_CALLED.get(role, role)} "{value_of(node, "name")}"'
        return [told, *(f"  {line}" for line in lines)]
    if role in ("list", "listitem"):
        return (
            [f"{'- ' if not at else '  '}{line}" for at, line in enumerate(lines)]
            if (role == "listitem")
            else lines
        )
    return lines


def _texts(below: Sequence[Mapping[str, Any]], by_id: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for one in below:
        found = _read(one, by_id)
        # Texts that follow each other are one sentence, whatever elements they are made of.
        goes_on = value_of(one, "role") == "StaticText" and lines[-1:] and found
        if goes_on and lines[-1].startswith('"'):
            lines[-1] = f"{lines[-1][:-1]} {found[0][1:]}"
        else:
            lines += found
    return lines


def _flat(
    below: Sequence[Mapping[str, Any]], by_id: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for one in below:
        if value_of(one, "role") in _CELLS:
            found.append(one)
        else:
            found += _flat([by_id[i] for i in one.get("childIds", ()) if i in by_id], by_id)
    return found
