"""One organization at the command line: configuration, sandbox, records, and the commands run here.

Commands run in this process; what they leave is read from the database and the sandbox's ledger.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from bilag.app.cli import run
from tests.clusters import Database
from tests.sandboxes import PATIENCE_SECONDS, SandboxProcess

ORGANIZATION = "hlf"


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.out)


@dataclass
class Place:
    """A home folder, a database and a sandbox, with what the configuration file says."""

    home: Path
    database: Database
    sandbox: SandboxProcess
    capture: pytest.CaptureFixture[str]
    api_key: str = "sandbox-api-key"
    looks_up: bool = True
    categories: dict[str, str] = field(default_factory=lambda: {"reise": "7140"})

    def bilag(self, *arguments: object) -> Ran:
        """Run one command in this process."""
        self.capture.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return Ran(code, out, err)

    def configure(self) -> Ran:
        """Write the configuration file as the fields say, and apply it."""
        return self.bilag("apply", self.write_configuration())

    def write_configuration(self) -> Path:
        """Write the configuration file and return its path."""
        (self.home / "key").write_text(self.api_key)
        file = self.home / "organizations.yaml"
        file.write_text(yaml.safe_dump({"organizations": [self._organization()]}))
        return file

    def _organization(self) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "baseUrl": self.sandbox.url,
            "auth": {"kind": "api_key"},
            "company": {"path": "/company"},
            "settleSeconds": "0",
        }
        if self.looks_up:
            settings["lookUp"] = {
                "path": "/vouchers?reference={reference}",
                "hits": "/items",
                "reference": "/reference",
            }
        return {
            "slug": ORGANIZATION,
            "name": "HLF",
            "allowedNetworks": ["127.0.0.0/8"],
            "books": [{"key": "main", "name": "Hovedbok", "currency": "NOK"}],
            "integrations": [
                {
                    "key": "ledger",
                    "name": "Regnskapet",
                    "type": "rest",
                    "book": "main",
                    "settings": settings,
                    "credentials": {"api_key": "file:key"},
                    "delivery": {
                        "sendWithinSeconds": "0.5",
                        "requestTimeoutSeconds": "0.5",
                        "settleSeconds": "0",
                        "retry": {"baseSeconds": "0.1"},
                    },
                    "mapping": {
                        "categories": {
                            name: {"account": account} for name, account in self.categories.items()
                        },
                        "counterAccount": "2910",
                        "missingClaimant": "clearing",
                        "clearingAccount": "2990",
                    },
                }
            ],
        }

    def take_in(self, *claims: Mapping[str, Any]) -> Ran:
        """Import claims from a file."""
        file = self.home / "claims.ndjson"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in claims))
        return self.bilag("import", file, "--organization", ORGANIZATION)

    def deliver(self) -> Ran:
        """Run a worker until nothing is due."""
        return self.bilag("worker", "--once")

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return rows of the database as its owner sees them."""
        with psycopg.connect(self.database.owner_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def states(self) -> dict[str, str]:
        """Return the state of each claim by its source id."""
        return dict(self.rows("SELECT source_id, state FROM exports ORDER BY id"))

    def export_id(self, source_id: str) -> int:
        """Return the id of a claim's export."""
        return int(self.rows("SELECT id FROM exports WHERE source_id = %s", source_id)[0][0])

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run a worker in a process of its own for the length of the block."""
        with (self.home / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bilag.app.cli", "worker"], stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def claim(number: int, amount: str = "100.00", **fields: Any) -> dict[str, Any]:
    """Return an approved expense claim; `type` and `costCentre` may be given."""
    line = {"date": "2026-03-02", "type": fields.pop("type", "reise"), "amount": amount}
    return {
        "sourceSystem": "app",
        "sourceId": f"C-{number}",
        "category": "expense",
        "currency": "NOK",
        "claimant": {"id": "V017", "name": "Volunteer 017"},
        "approvedBy": "Coordinator 03",
        "approvedAt": "2026-03-04T10:00:00+01:00",
        "lines": [line],
        **fields,
    }
