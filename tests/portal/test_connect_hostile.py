"""Testing a connection against whatever a network can do: it ends in time and says what to do."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

import pytest
from django.db import connections

from bilag.delivery.credentials import NewSecret
from bilag.integrations.start import NewBook, NewIntegration
from tests.portal.stage import Portal
from tests.portal.test_connect_wizard import HOME, text_of
from tests.raw_servers import Server, drips, hangs_up, is_silent, says, self_signed, served

SECONDS_MAX = 10.0
CANARY = "canary-hostile-secret-77"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HUGE = HEAD + b"Content-Length: 9000000\r\n\r\n" + b" " * 9_000_000
TO_PRIVATE = (
    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
)
ECHO = (
    HEAD.replace(b"200 OK", b"400 Bad Request")
    + b"Content-Length: 41\r\n\r\n"
    + b'{"message": "canary-hostile-secret-77"}  '
)


@contextmanager
def running(make: Callable[[], AbstractAsyncContextManager[Server]]) -> Iterator[str]:
    """Run a raw server in a thread of its own and return its address."""
    loop, ready, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[str] = []

    async def serve() -> None:
        async with make() as server:
            found.append(server.url)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0].removesuffix("/vouchers")
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()


def draft(portal: Portal, url: str, networks: str = "{127.0.0.0/8}") -> str:
    """Make a draft that leads to this address; return the address of its test."""
    stage, own = portal.stage, portal.stage.alice.organization
    stage.query("UPDATE organizations SET allowed_networks = %s::text[]", networks)
    drafting = stage.installation.drafting_of(own, "user ann@example.org")
    book = NewBook(key="second", name="Second book")
    drafting.start(NewIntegration(key="second", name="Second", type="rest", new_book=book))
    settings = {
        "baseUrl": url, "auth": {"kind": "api_key"}, "company": {"path": "/company"},
        "lookUp": {"path": "/vouchers?reference={reference}", "reference": "/reference"},
    }  # fmt: skip
    drafting.save("second", settings, {"api_key": NewSecret(CANARY)})
    return f"{portal.page(HOME)}/second/setup/test"


def tried(portal: Portal, address: str) -> str:
    """Test the connection and return what the page then says; it took its time and no longer."""
    browser = portal.browser("admin")
    browser.get(address)  # the first page of a process loads all of them
    started = time.monotonic()
    browser.get(address)
    # what two pages cost on this machine, here and now, is not the test's own
    pages = 2 * (time.monotonic() - started)
    started = time.monotonic()
    page = browser.post(address, follow=True)
    took = time.monotonic() - started - pages
    assert took < SECONDS_MAX, (took, pages)
    assert CANARY not in page.content.decode()
    text = text_of(page)
    assert "The test did not pass." in text
    assert "Test again" in text
    return text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (is_silent, "gave no complete answer in time"),
        (drips(HEAD + b"Content-Length: 100000\r\n\r\n"), "gave no complete answer in time"),
        (drips(b"HTTP/1.1 200 OK\r\nX-Long: "), "gave no complete answer in time"),
        (hangs_up, "cut the connection"),
        (says(HUGE), "far too large"),
        (says(TO_PRIVATE), "169.254.169.254"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "not as an API does"),
        (says(ECHO), "400"),
        (says(HEAD + b"Content-Length: 9\r\n\r\n<html>no!"), "JSON"),
    ],
    ids=["silent", "drips", "drips-headers", "hangs-up", "huge", "redirect", "ssh", "echo", "html"],
)
def test_a_server_that_misbehaves(portal: Portal, answer: object, said: str) -> None:
    with running(lambda: served(answer)) as url:  # type: ignore[arg-type]
        assert said in tried(portal, draft(portal, url))


def test_a_certificate_that_nobody_vouches_for(portal: Portal, tmp_path: Path) -> None:
    tls = self_signed(tmp_path)
    with running(lambda: served(says(HEAD), tls)) as url:
        assert "certificate" in tried(portal, draft(portal, url))


def test_a_name_that_does_not_exist(portal: Portal) -> None:
    assert "ledger.invalid" in tried(portal, draft(portal, "https://ledger.invalid"))


def test_a_private_address_that_nobody_allowed(portal: Portal) -> None:
    with running(lambda: served(says(HEAD))) as url:
        assert "is a private address" in tried(portal, draft(portal, url, networks="{}"))


def test_nobody_listens_or_nobody_takes_the_connection(portal: Portal) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        address = draft(portal, f"http://127.0.0.1:{port}")
        assert "gave no complete answer in time" in tried(portal, address)
        for one in waiting:
            one.close()
    assert "127.0.0.1" in tried(portal, address)


def test_only_so_many_tests_are_under_way_at_once(portal: Portal) -> None:
    with running(lambda: served(is_silent)) as url:
        address = draft(portal, url)
        browsers = [portal.browser("admin", f"ann{n}@example.org") for n in range(6)]
        pages: list[str] = []

        def ask(browser: object) -> None:
            try:
                page = browser.post(address, follow=True)  # type: ignore[attr-defined]
                pages.append(text_of(page))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=ask, args=(browser,)) for browser in browsers]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < SECONDS_MAX + 5
    assert sum("Several other tests are under way" in page for page in pages) == 2
