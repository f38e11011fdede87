"""Reads the forms of a page as a browser would send them: what stands in them, nothing touched.

Only what the standard says of fields; a page with a broken form fails the test that reads it.
"""

from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.actions: list[str] = []
        self._area = self._select = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, kind = given.get("name") or "", given.get("type") or "text"
        if tag == "form":
            self.forms.append({})
            self.actions.append(given.get("action") or "")
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and self.forms:
            if "selected" in given or self._select not in self.forms[-1]:
                self.forms[-1][self._select] = given.get("value") or ""
        elif tag == "input" and name and self.forms:
            if kind in ("checkbox", "radio") and "checked" not in given:
                return
            self.forms[-1][name] = given.get("value") or ("on" if kind == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.forms:
            # the line break right after the tag is not part of the value
            self.forms[-1][self._area] = self._text.removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text += data


def form_of(page: Any, having: str) -> dict[str, str]:
    """Return the fields of the page's form that has a field of this name."""
    assert isinstance(page, HttpResponse)
    reader = _Reader()
    reader.feed(page.content.decode())
    found = [form for form in reader.forms if having in form]
    assert len(found) == 1, [sorted(form) for form in reader.forms]
    return found[0]
