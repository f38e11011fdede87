"""Every link that a page shows leads somewhere: followed by each role, page by page."""

import html
import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.portal.place import EMPTY, FILLED, Place
from tests.portal.routes import pages

# Pages of one kind differ by their rows alone, and their links by the numbers in them.
_ROW = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+")
_OF_A_KIND = 4
# The values of a record, as rules take them and systems are sent them.
AS_IN_RECORDS = ("mapping:fields", "mapping:rule", "mapping:preview")
_LINK = re.compile(r"""<a\b[^>]*\bhref=(?:"([^"]*)"|'([^']*)')""")


@pytest.mark.parametrize("role", ["admin", "accountant", "coordinator"])
def test_no_link_ends_where_its_reader_may_not_go(place: Place, role: str) -> None:
    client = place.people[role].client()
    client.raise_request_exception = False
    starts = [f"/o/{slug}/" for slug in (FILLED, EMPTY)]
    waiting, seen = [(start, "") for start in starts], set(starts)
    kinds, dead = dict[str, int](), list[str]()
    while waiting:
        address, origin = waiting.pop()
        answer = client.get(address)
        if answer.status_code >= 400:
            dead.append(f"{origin} -> {address}: {answer.status_code}")
        if answer.streaming or "html" not in answer.get("Content-Type", ""):
            continue
        for found in _LINK.findall(answer.content.decode()):
            target = urlsplit(urljoin(address, html.unescape("".join(found))))
            following = f"{target.path}?{target.query}" if target.query else target.path
            if target.netloc or following in seen or not following.startswith("/o/"):
                continue
            seen.add(following)
            kind = _ROW.sub("#", following)
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] <= _OF_A_KIND:
                waiting.append((following, address))
    assert len(seen) > 20
    assert not dead, "\n".join(dead)


@pytest.mark.parametrize(
    ("language", "other"),
    [
        ("nb", r"\b20\d\d-\d\d-\d\d\b|\b\d{1,2}\. [a-zæøå]{3,9}\.? 20\d\d"),
        ("nn", r"\b20\d\d-\d\d-\d\d\b|\b\d{1,2}\. [a-zæøå]{3,9}\.? 20\d\d"),
        ("en", r"\b\d{1,2}[./]\d{1,2}[./]20\d\d\b|\b\d{1,2} (Mar|Oct|Nov|Dec)[a-z]* 20\d\d"),
    ],
)
def test_days_have_one_form_on_all_pages(place: Place, language: str, other: str) -> None:
    client = place.people["admin"].client(language)
    wrong = []
    for route in pages():
        answer = client.get(route.path(place))
        if route.name in AS_IN_RECORDS or answer.status_code != 200:
            continue
        if "html" not in answer.get("Content-Type", ""):
            continue
        # what was sent, answered or put in by somebody stays as it was
        shown = re.sub(r"<(pre|code|textarea|option|blockquote|script)\b.*?</\1>", " ",
                       answer.content.decode(), flags=re.DOTALL)  # fmt: skip
        text = " ".join(re.sub(r"<[^>]+>", " ", shown).split())
        wrong += [f"{route.name}: …{text[max(found.start() - 60, 0) : found.end()]}"
                  for found in re.finditer(other, text)][:3]  # fmt: skip
    assert not wrong, "\n".join(wrong)
