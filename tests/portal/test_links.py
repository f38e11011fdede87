"""Every link that a page shows leads somewhere: followed by each role, page by page."""

import html
import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.portal.place import EMPTY, FILLED, Place

# Pages of one kind differ by their rows alone, and their links by the numbers in them.
_ROW = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+")
_OF_A_KIND = 4
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
