"""The demo: from nothing to a running system with 400 sample claims, in a folder of its own.

It never touches another database; running it again delivers nothing twice.
"""

import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bilag.app import demo_records
from bilag.app.cli_configure import apply_file
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_import import import_file, progress_of
from bilag.app.cli_log import configure_logging
from bilag.app.cli_open import Desk, desk_of
from bilag.app.cli_standing import standings
from bilag.app.cli_tables import print_standing
from bilag.app.cli_watch import Watched, watch
from bilag.app.demo_processes import Processes, hold
from bilag.app.migrate import migrate
from bilag.app.postgres import database_urls
from bilag.app.wiring import Installation, open_installation
from bilag.exports.status import export_page

# Failure policy: 400 claims with a few lost answers take some 15 s; what is not at rest after this
# is told, with where the worker's log is, and the exit code says that time was up.
DELIVERY_SECONDS_MAX = 120.0
_EXPORTS_MAX = 10_000
_BELONG_TO_OTHERS = ("BILAG_DATABASE_URL", "BILAG_DATABASE_OWNER_URL", "BILAG_MASTER_KEY",
                     "BILAG_MASTER_KEY_FILE", "BILAG_EPOCH_FILE")  # fmt: skip
# Positions count the vouchers that come in. The first kind is posted, and we never hear of it.
_FAULTS = (
    {"kind": "lost_answer", "at": [23, 87, 210]},
    {"kind": "error_after", "at": [140]},
    {"kind": "too_many", "at": [61], "retryAfter": 2},
)
_STRUCK = {
    "lost_answer": "answers lost after posting",
    "error_after": "answers 500 after posting",
    "too_many": "answers 429, too many requests",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo: where it lives, where it prints, and how it ends."""

    home: Path
    console: Console
    once: bool
    port: int
    language: str

    def run(self) -> int:
        """Set everything up, deliver, prove it; without `once`, stay until Ctrl-C."""
        _forget_other_databases(self.console)
        configure_logging()
        self.home.mkdir(parents=True, exist_ok=True)
        os.environ["BILAG_HOME"] = str(self.home)
        with ExitStack() as stack:
            lock = stack.enter_context(hold(self.home))
            processes = stack.enter_context(Processes(self.home, lock))
            self._say(1, f"a PostgreSQL of its own in {self.home}")
            urls = database_urls(self.home)
            migrate(urls.owner, urls.application)
            opened = stack.enter_context(open_installation(self.home))
            address = self._sandbox(processes)
            desks = self._configure(opened, address)
            self._take_in(desks)
            proven = self._deliver(processes, desks, address)
            if not self.once:
                self._stay(processes, address)
        if self.once:
            self.console.print("\nNothing is left running; `bilag demo` keeps it running.")
        return Exit.OK if proven else Exit.PERSON

    def _sandbox(self, processes: Processes) -> str:
        address = processes.start_sandbox()
        self._say(2, f"an accounting system to deliver to, the sandbox: {address}")
        _call(address, "DELETE", "/_sandbox/faults")
        _call(address, "POST", "/_sandbox/faults", _FAULTS)
        return address

    def _configure(self, opened: Installation, address: str) -> list[Desk]:
        file = self.home / "demo.yaml"
        _write_configuration(file, address)
        changes = apply_file(opened, file, by="demo")
        desks = [desk_of(opened, slug) for slug in demo_records.claims_of_all()]
        names = ", ".join(at.organization.name for at in desks)
        self._say(3, f"{names}: {len(changes)} changes by {file}")
        return desks

    def _take_in(self, desks: Sequence[Desk]) -> None:
        self._say(4, "approved claims in Norwegian, of all categories, some of them bad")
        folder = self.home / "claims"
        folder.mkdir(exist_ok=True)
        for at in desks:
            slug = at.organization.slug
            file, errors = folder / f"{slug}.ndjson", folder / f"{slug}.errors.ndjson"
            claims = demo_records.claims_of_all()[slug]
            file.write_text("".join(f"{json.dumps(c, ensure_ascii=False)}\n" for c in claims))
            errors.unlink(missing_ok=True)
            with progress_of(self.console, file.name) as show:
                result = import_file(at, file, show, errors_to=errors, language=self.language)
            self.console.print(
                f"    {file.name}: {result.rows} rows, {result.accepted} accepted,"
                f" {result.known} known already, {result.bad + result.refused} refused,"
                f" {result.not_approved} not approved"
            )

    def _deliver(self, processes: Processes, desks: Sequence[Desk], address: str) -> bool:
        self._say(5, "delivery; the sandbox loses some answers on purpose")
        processes.start("worker", "worker")
        every = [Watched(at, at.integrations()) for at in desks]
        finished = watch(every, DELIVERY_SECONDS_MAX, self.console, self.language, processes.check)
        if not finished:
            raise CommandFailed(
                f"not at rest after {DELIVERY_SECONDS_MAX:g} s; see {self.home / 'worker.log'}",
                Exit.TIMEOUT,
            )
        for fault in _call(address, "GET", "/_sandbox/faults")["faults"]:
            if fault["struck"]:
                self.console.print(f"    {fault['struck']} x {_STRUCK[fault['kind']]}: settled")
        self._say(6, "where everything stands (`bilag status`)")
        self.console.print()
        for at in desks:
            for standing in standings(at):
                print_standing(self.console, standing, self.language)
        return self._prove(desks, address)

    def _prove(self, desks: Sequence[Desk], address: str) -> bool:
        """Compare the sandbox's own ledger with our exports, reference by reference."""
        ledger = _call(address, "GET", "/_sandbox/ledger")
        posted = {entry["reference"] for entry in ledger["entries"]}
        exported: set[str] = set()
        for at in desks:
            with at.scope() as connection:
                rows = export_page(connection, state="exported", limit=_EXPORTS_MAX)
            exported.update(row.reference for row in rows)
        twice = len(ledger["duplicateReferences"])
        proven = posted == exported and not twice
        self.console.print(
            f"{'Proof' if proven else 'NOT PROVEN'}: {ledger['count']} vouchers in the ledger of"
            f" the accounting system, {len(exported)} exported here,"
            f" {len(posted ^ exported)} references differ, {twice} posted twice."
        )
        return proven

    def _stay(self, processes: Processes, address: str) -> None:
        api = processes.start_api(self.port)
        bilag, file = _program(), self.home / "demo.yaml"
        self.console.print(
            f"\nLook:\n  {address}/  the ledger of the accounting system\n"
            f"  {api}/api/v1/docs  the API\n"
            f"  {self.home / 'worker.log'}  what the worker does\n"
            f"\nTry, in another terminal:\n  export BILAG_HOME={self.home}\n"
            f"  {bilag} exports hlf --state failed   # the cost centre that is not there\n"
            f"  {bilag} exports hlf --state held     # the type that has no account yet\n"
            f"  Give `tolketjeneste` an account in {file}, then:\n"
            f"  {bilag} apply {file} && {bilag} retry hlf --held && {bilag} sync hlf --wait\n"
            "\nIt is all still running. Stop: Ctrl-C. Start again: `bilag demo`, nothing is"
            f" delivered twice.\nStart from nothing: delete {self.home}\n",
            soft_wrap=True,
        )
        with suppress(KeyboardInterrupt):  # that is how a demo is stopped
            while True:
                processes.check()
                time.sleep(0.5)

    def _say(self, step: int, text: str) -> None:
        self.console.print(Text.assemble((f"{step}/6", "bold"), " ", text), soft_wrap=True)


def _program() -> str:
    """Return what to type for `bilag` in another terminal: its path where it is not on PATH."""
    found = shutil.which("bilag")
    return "bilag" if found else str(Path(sys.executable).with_name("bilag"))


def _forget_other_databases(console: Console) -> None:
    for name in _BELONG_TO_OTHERS:
        if os.environ.pop(name, None):
            console.print(f"{name} is set; the demo does not use it")


def _write_configuration(file: Path, address: str) -> None:
    """Write demo.yaml once; later only a new address of the sandbox goes in, changes stay."""
    folder = file.parent
    (folder / "claimants.csv").write_text(demo_records.claimants_csv())
    secret = folder / "sandbox-api-key"
    secret.touch(mode=0o600)
    secret.write_text("sandbox-api-key\n")
    kept = folder / "sandbox-address"
    if not file.exists():
        file.write_text(demo_records.configuration(address))
    elif kept.exists():
        file.write_text(file.read_text().replace(kept.read_text().strip(), address))
    kept.write_text(f"{address}\n")


def _call(address: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    """Ask the sandbox's controls; they are on this machine and answer at once."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise CommandFailed(f"the sandbox answered {answer.status} to {path}", Exit.FAULT)
    found: dict[str, Any] = json.loads(content)
    return found
