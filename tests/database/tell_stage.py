"""What tells people of alerts is tested on: a real mail server, and a receiver of webhooks."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import psycopg
from aiosmtpd.controller import Controller
from django.test import override_settings

from bilag.monitoring.notices import send_due
from bilag.monitoring.settings import new_webhook_secret, read_settings, save_settings
from bilag.tenants.members import save_member
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import Stage
from tests.database.watch_stage import in_the_worker


@dataclass
class Mailbox:
    """What a mail server took; while `refuses` it takes nothing, and never for who is `gone`."""

    messages: list[Message] = field(default_factory=list)
    refuses: bool = False
    gone: str = ""

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address == self.gone:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "451 try again later"
        self.messages.append(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"

    def read(self, recipient: str) -> str:
        (found,) = [m for m in self.messages if m["To"] == recipient]
        return str(found.get_content())  # type: ignore[attr-defined]


@contextmanager
def a_mailbox() -> Iterator[Mailbox]:
    """Run a mail server on this machine, and let Django send to it."""
    found = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(found, hostname="127.0.0.1", port=port)
    server.start()
    try:
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=port,
            DEFAULT_FROM_EMAIL="bilag@example.org",
        ):
            yield found
    finally:
        server.stop()


@dataclass
class Hook:
    """A receiver of webhooks: each request's headers and body, and what it answers."""

    url: str
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    seconds: float = 0.0


@contextmanager
def a_hook() -> Iterator[Hook]:
    """Run a receiver of webhooks on this machine."""
    found = Hook("")

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(found.seconds)
            found.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(found.status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/alerts"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def people(stage: Stage, **roles: Any) -> None:
    """Make members of Alice's organization, with a role each, and one who has no mailbox."""
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.alice.organization),
    ):
        for name, role in roles.items():
            save_member(connection, stage.alice.organization, f"{name}@example.org", role)
        save_member(connection, stage.alice.organization, "an-opaque-subject", "admin")


def tell(stage: Stage) -> int:
    """Send the notices that are due; returns how many were told."""

    async def do(connection: psycopg.AsyncConnection[Any]) -> int:
        return await send_due(connection, stage.installation.vault, "https://bilag.example.org")

    return in_the_worker(stage, do)


def listens(stage: Stage, url: str) -> str:
    """Set the webhook of Alice's organization; returns its secret."""
    own = stage.alice.organization
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        wanted = replace(read_settings(connection, own), webhook_url=url, mail_roles=[])
        save_settings(connection, own, wanted, actor="test")
        return new_webhook_secret(connection, stage.installation.vault, own, actor="test")
