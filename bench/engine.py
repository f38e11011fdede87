"""The product under measurement: its own database server, one organization, one integration.

Everything goes through the product's own doors: arrival of records, `bilag worker`, `bilag import`.
"""

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import psycopg

from bench.claims import COST_CENTRES, EXPENSE_TYPES, PROJECTS, VOLUNTEERS, claim, volunteer
from bench.processes import ROOT, Child
from bilag.app.migrate import migrate
from bilag.app.postgres import EmbeddedServer, database_urls
from bilag.app.wiring import open_installation
from bilag.connectors.rest import RestConnector, RestSettings
from bilag.core.record import Record
from bilag.core.reference import make_reference
from bilag.core.voucher import Voucher
from bilag.integrations.model import (
    Book,
    Delivery,
    Filters,
    book_id,
    integration_id,
    organization_id,
)
from bilag.mapping.document import read_document
from bilag.mapping.voucher import Mapping, compile_mapping

SLUG = "bench"
BOOK = "main"
INTEGRATION = "ledger"
_BILAG = (sys.executable, "-c", "from bilag.app.cli import main; main()")
# Failure policy: what is not delivered and settled after this is a failed measurement.
FINISH_SECONDS_MAX = 300.0
_BATCH = 1_000
_OPEN_STATES = ("pending", "sending", "accepted", "in_doubt")
_FIRST_NUMBER = 10_000_000


@dataclass(frozen=True, slots=True)
class Route:
    """Where the claims of one organization go: the connector, how it is set up, and how it sends.

    `secrets` go by the connector's own names.
    """

    slug: str
    connector: str
    settings: dict[str, Any]
    delivery: dict[str, Any]
    mapping: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)


class Engine:
    """One organization of the installation in a folder, set up to post along a route.

    A context manager; the server stops, and everything is deleted, when the process ends.
    """

    def __init__(self, home: Path, route: Route) -> None:
        self.home = home
        self.organization_id = organization_id(route.slug)
        self.integration_id = integration_id(self.organization_id, INTEGRATION)
        self.book = Book(
            book_id(self.organization_id, BOOK), self.organization_id, BOOK, "Main book", "NOK"
        )
        self._route = route
        self._configuration = _configuration(route)
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        # Registered before the server is started, so that it runs after the server has stopped.
        atexit.register(self._delete)
        urls = database_urls(self.home)
        self.owner_url, self.application_url = urls.owner, urls.application
        self.admin_url = EmbeddedServer(self.home).superuser_url()
        migrate(self.owner_url, self.application_url)
        self._apply()
        enter = self._open.enter_context
        self._owner = enter(psycopg.connect(self.owner_url, autocommit=True))
        installation = enter(open_installation(self.home))
        self._exports = installation.exports_of(self.organization_id, "benchmark")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _delete(self) -> None:
        # The cluster may lie elsewhere, with a link in the home.
        shutil.rmtree((self.home / "postgres").resolve(), ignore_errors=True)

    def _apply(self) -> None:
        path = self.home / "organizations.yaml"
        path.write_text(json.dumps({"organizations": [self._configuration]}))
        self._command("apply", str(path))

    def take_in(self, first: int, count: int) -> None:
        """Hand over approved claims by the Python interface, 1,000 a call."""
        for start in range(first, first + count, _BATCH):
            numbers = range(start, min(start + _BATCH, first + count))
            self._accept([Record.from_content(claim(number)) for number in numbers])

    def approve(self, number: int) -> None:
        """Hand over one approved claim by the Python interface."""
        self._accept([Record.from_content(claim(number))])

    def _accept(self, records: list[Record]) -> None:
        if not all(answer.is_new for answer in self._exports.accept_records(records)):
            raise RuntimeError(f"{records[0].source_id} or one after it was not taken as new")

    def import_file(self, path: Path, profile: Path) -> None:
        """Run `bilag import` on a file with its profile; raises RuntimeError when it refuses."""
        self._command("import", "--organization", SLUG, "--profile", str(profile), str(path))

    def _command(self, *arguments: str) -> None:
        command = [*_BILAG, *arguments]
        environment = {**os.environ, **self._environment()}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"bilag {arguments[0]}: {done.stdout!r} {done.stderr!r}")

    def start_worker(self) -> Child:
        """Start `bilag worker` in a process of its own; its log is worker.log in the home."""
        return Child(
            [*_BILAG, "worker"],
            environment=self._environment(),
            log=self.home / "worker.log",
        )

    def _environment(self) -> dict[str, str]:
        secrets = {_variable(name): secret for name, secret in self._route.secrets.items()}
        return {"BILAG_HOME": str(self.home), **secrets}

    def states(self) -> dict[str, int]:
        """Return how many exports stand in each state."""
        found = self._owner.execute("SELECT state, count(*) FROM exports GROUP BY state")
        return dict(found.fetchall())

    def sync_token(self) -> int:
        """Return the token of the latest sync: who claims in its name is not fenced off."""
        row = self._owner.execute(
            "SELECT sync_token FROM integration_runtime WHERE integration_id = %s",
            [self.integration_id],
        ).fetchone()
        return int(row[0]) if row else 0

    def unfinished(self) -> int:
        """Return how many exports have no final outcome yet; cheap however much is exported."""
        row = self._owner.execute(
            "SELECT count(*) FROM exports WHERE state = ANY (%s) AND integration_id = %s",
            [list(_OPEN_STATES), self.integration_id],
        ).fetchone()
        return int(row[0]) if row else 0

    def exported_ns(self) -> int:
        """Return when the latest outcome was committed, in nanoseconds since the epoch."""
        row = self._owner.execute(
            "SELECT extract(epoch FROM max(state_since)) * 1000000000 FROM exports"
            " WHERE integration_id = %s",
            [self.integration_id],
        ).fetchone()
        return int(row[0]) if row else 0

    def wait_until_finished(
        self, timeout: float = FINISH_SECONDS_MAX, poll_seconds: float = 0.005
    ) -> float:
        """Wait until no export is open and return the milliseconds it took; raises RuntimeError."""
        started = time.monotonic()
        while self.unfinished():
            if time.monotonic() - started > timeout:
                raise RuntimeError(f"not finished after {timeout:.0f} s: {self.states()}")
            time.sleep(poll_seconds)
        return (time.monotonic() - started) * 1000

    def checkpoint(self) -> None:
        """Write all changed pages out, so that runs begin alike."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def reference(self, number: int) -> str:
        """Return our reference of a claim in its first generation."""
        content = claim(number)
        return make_reference(self.book.id, content["sourceSystem"], content["sourceId"], 1)

    def vouchers(self, first: int, count: int) -> list[Voucher]:
        """Map claims by the product's own mapping; raises RuntimeError when one has a gap."""
        mapping = self._mapping()
        vouchers = []
        for number in range(first, first + count):
            content = Record.from_content(claim(number)).as_content()
            voucher = mapping.voucher(content, self.reference(number))
            if not isinstance(voucher, Voucher):
                raise RuntimeError(f"claim {number}: {voucher}")  # noqa: TRY004 - not a type fault
            vouchers.append(voucher)
        return vouchers

    def bodies(self, first: int, count: int) -> list[bytes]:
        """Return the bytes that the connector posts for these claims, one body each."""
        numbered = [
            replace(voucher, number=_FIRST_NUMBER + position)
            for position, voucher in enumerate(self.vouchers(first, count))
        ]
        settings = RestSettings.model_validate(self._integration["settings"])
        return [one.body for one in RestConnector().build(numbered, settings)]

    def mapping_us_per_claim(self, first: int, count: int) -> float:
        """Return the CPU microseconds that mapping alone takes for a claim, best of 5 rounds."""
        mapping = self._mapping()
        claims = [
            (Record.from_content(claim(number)).as_content(), self.reference(number))
            for number in range(first, first + count)
        ]
        best = float("inf")
        for _ in range(5):
            started = time.process_time()
            for content, reference in claims:
                mapping.voucher(content, reference)
            best = min(best, time.process_time() - started)
        return best * 1e6 / count

    @property
    def _integration(self) -> dict[str, Any]:
        found: dict[str, Any] = self._configuration["integrations"][0]
        return found

    def _mapping(self) -> Mapping:
        document = read_document(self._integration["mapping"])
        delivery = Delivery.model_validate(self._integration["delivery"])
        return compile_mapping(document, self.book, delivery, {}, Filters())


def _variable(secret: str) -> str:
    return f"BENCH_{secret.upper()}"


def _configuration(route: Route) -> dict[str, Any]:
    """Return what `bilag apply` reads: the organization, its book, its one integration."""
    return {
        "slug": route.slug,
        "name": "Benchmark",
        "allowedNetworks": ["127.0.0.0/8"],
        "books": [{"key": BOOK, "name": "Main book", "currency": "NOK"}],
        "integrations": [
            {
                "key": INTEGRATION,
                "name": "Benchmark ledger",
                "type": route.connector,
                "book": BOOK,
                "settings": route.settings,
                "credentials": {name: f"env:{_variable(name)}" for name in route.secrets},
                "delivery": route.delivery,
                "mapping": route.mapping,
            }
        ],
    }


def sink_route(sink_url: str, window: int = 32) -> Route:
    """Return the route to the sink, by the Generic REST connector."""
    delivery = {"requestsInFlight": window, "requestTimeoutSeconds": 5}
    mapping = mapping_document() | {"header": {"claimant": {"from": "claimant.name"}}}
    return Route(SLUG, RestConnector.type, _settings(sink_url, window), delivery, mapping)


def _settings(sink_url: str, window: int) -> dict[str, Any]:
    return {
        "baseUrl": sink_url,
        "path": "/vouchers",
        "requestsInFlightMax": window,
        "settleSeconds": 1,
        "success": {"externalReference": "/id", "voucherNumber": "/voucherNumber"},
        "lookUp": {
            "path": "/vouchers?reference={reference}",
            "reference": "/reference",
            "voucherNumber": "/voucherNumber",
        },
    }


def mapping_document(vat_code: str = "0") -> dict[str, Any]:
    """Return the mapping of the claims that are measured with; an empty code is for no VAT."""
    vat = {"vatCode": vat_code} if vat_code else {}
    return {
        "categories": {
            name: {"account": str(7000 + 10 * position), **vat}
            for position, name in enumerate(EXPENSE_TYPES)
        },
        "defaults": {"mileage": {"account": "7100"}},
        "counterAccount": "2910",
        "claimants": {volunteer(one): str(50_000 + one) for one in range(VOLUNTEERS)},
        "costCentres": {"codes": {code: f"CC{code}" for code in COST_CENTRES}},
        "projects": {"codes": {code: code for code in PROJECTS}},
    }
