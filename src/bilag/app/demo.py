"""The demo: from nothing to a running system with 400 sample claims, in a folder of its own.

It never touches another database; running it again delivers nothing twice, and mends nothing that
it left for a person to mend.
"""

import http.client
import json
import os
import shlex
import time
from collections.abc import Mapping, Sequence
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
from bilag.app.cli_open import Desk, desk_of, program
from bilag.app.cli_standing import standings
from bilag.app.cli_tables import print_standing
from bilag.app.cli_watch import Watched, watch
from bilag.app.demo_mend import references, unsettled, what_to_mend
from bilag.app.demo_people import SignIn, sign_ins
from bilag.app.demo_processes import Processes, hold
from bilag.app.migrate import migrate
from bilag.app.postgres import database_urls
from bilag.app.wiring import Installation, open_installation

# Failure policy: 400 claims with a few lost answers take some 15 s; what is not at rest after this
# is told, with where the worker's log is, and the exit code says that time was up.
DELIVERY_SECONDS_MAX = 120.0
PORT = 8080
_BELONG_TO_OTHERS = ("BILAG_DATABASE_URL", "BILAG_DATABASE_OWNER_URL", "BILAG_MASTER_KEY",
                     "BILAG_MASTER_KEY_FILE", "BILAG_KEY_SOURCE", "BILAG_EPOCH_FILE")  # fmt: skip
# Positions count the requests that write. What Xledger does not answer is looked up by itself; the
# REST API cannot be searched, so that a person finds out which of the two was posted.
# Business Central loses none: a doubt there is looked into 20 minutes later, too late for a demo.
_FAULTS: dict[str, tuple[dict[str, Any], ...]] = {
    "xledger": (
        {"kind": "lost_answer", "at": [3]},
        {"kind": "error_after", "at": [9]},
    ),
    "business-central": ({"kind": "too_many", "at": [3], "retryAfter": 1},),
    "rest": ({"kind": "lost_answer", "at": [23]}, {"kind": "reset_before", "at": [87]}),
}
_NAMES = {"xledger": "Xledger", "business-central": "Business Central", "rest": "a REST API"}
_APPLIED = "demo-applied.yaml"
_SECRET = "sandbox-secret"  # the sandboxes' own, of no worth  # noqa: S105
# what each sandbox is told to take as the secret, and what the claims need beside its master data
_OPTIONS = {
    "xledger": ("--token", _SECRET, "--filter-ext-identifier", "--books-after", "1"),
    "business-central": ("--client-secret", _SECRET),
    "rest": ("--api-key", _SECRET),
}
_STRUCK = {
    "lost_answer": "answers lost after posting",
    "error_after": "answers 500 after posting",
    "reset_before": "requests lost before posting",
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
            addresses = self._sandboxes(processes)
            desks = self._configure(opened, addresses)
            people = sign_ins(opened, self.home)
            self._take_in(desks)
            proven = self._deliver(processes, desks, addresses)
            if self.once:
                self._tell(desks, "")
            else:
                self._stay(processes, desks, addresses, people)
        if self.once:
            self.console.print(
                f"\nNothing is left running; this keeps it running:\n  {self._again()}",
                soft_wrap=True,
            )
        return Exit.OK if proven else Exit.PERSON

    def _sandboxes(self, processes: Processes) -> dict[str, str]:
        """Start the accounting system of each organization; returns their addresses by slug."""
        self._say(2, "accounting systems to deliver to, the sandboxes:")
        addresses = {}
        for slug, kind in demo_records.SYSTEMS.items():
            address = addresses[slug] = processes.start_sandbox(kind, *_OPTIONS[kind])
            if kind != "rest":  # which takes any project
                _call(address, "POST", "/_sandbox/master", {"projects": demo_records.PROJECTS})
            _call(address, "DELETE", "/_sandbox/faults")
            _call(address, "POST", "/_sandbox/faults", _FAULTS[kind])
            self.console.print(f"    {slug}: {_NAMES[kind]} at {address}", soft_wrap=True)
        return addresses

    def _configure(self, opened: Installation, addresses: Mapping[str, str]) -> list[Desk]:
        file = self.home / "demo.yaml"
        # applied again it would put back what was mended in the portal
        is_new = _write_configuration(file, addresses)
        changes = apply_file(opened, file, by="demo") if is_new else ()
        (self.home / _APPLIED).write_text(file.read_text())
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

    def _deliver(
        self, processes: Processes, desks: Sequence[Desk], addresses: Mapping[str, str]
    ) -> bool:
        self._say(5, "delivery; the sandbox loses some answers on purpose")
        processes.start("worker", "worker")
        every = [Watched(at, at.integrations()) for at in desks]
        finished = watch(every, DELIVERY_SECONDS_MAX, self.console, self.language, processes.check)
        if not finished:
            raise CommandFailed(
                f"not at rest after {DELIVERY_SECONDS_MAX:g} s; see {self.home / 'worker.log'}",
                Exit.TIMEOUT,
            )
        for slug, address in addresses.items():
            then = "a person decides" if demo_records.SYSTEMS[slug] == "rest" else "settled"
            for fault in _call(address, "GET", "/_sandbox/faults")["faults"]:
                if fault["struck"]:
                    what = f"{fault['struck']} x {_STRUCK[fault['kind']]}"
                    self.console.print(f"    {slug}: {what}, {then}")
        self._say(6, "where everything stands, as `bilag status` shows it")
        self.console.print()
        for at in desks:
            for standing in standings(at):
                print_standing(self.console, standing, self.language)
        proofs = [self._prove(at, addresses[at.organization.slug]) for at in desks]
        return all(proofs)

    def _prove(self, at: Desk, address: str) -> bool:
        """Compare the sandbox's own ledger with our exports, reference by reference."""
        ledger = _call(address, "GET", "/_sandbox/ledger")
        posted = {entry["reference"] for entry in ledger["entries"]}
        exported, doubts = references(at, "exported"), unsettled(at)
        # what is in doubt may stand there or not: that is what a person finds out
        differ, twice = (posted ^ exported) - doubts, len(ledger["duplicateReferences"])
        proven = not differ and not twice
        kind = demo_records.SYSTEMS[at.organization.slug]
        open_ones = f" and {len(posted & doubts)} of {len(doubts)} in doubt" if doubts else ""
        self.console.print(
            f"{'Proof' if proven else 'NOT PROVEN'}, {at.organization.name}: {ledger['count']}"
            f" vouchers in the ledger of {_NAMES[kind]}, {len(exported)} exported here{open_ones},"
            f" {len(differ)} references differ, {twice} posted twice.",
            soft_wrap=True,
        )
        return proven

    def _tell(self, desks: Sequence[Desk], origin: str) -> None:
        """Say what waits for a person in each organization, and on which page it is mended."""
        self.console.print("\nWhat waits for you, and the page on which it is mended:")
        for at in desks:
            self.console.print(f"  {at.organization.name}")
            for what, path in what_to_mend(at, self.language):
                self.console.print(f"    {origin}{path}  {what}", soft_wrap=True)

    def _stay(
        self,
        processes: Processes,
        desks: Sequence[Desk],
        addresses: Mapping[str, str],
        people: Sequence[SignIn],
    ) -> None:
        api = processes.start_api(self.port)
        bilag = program()
        ledgers = "".join(f"  {at}/  the ledger of {slug}\n" for slug, at in addresses.items())
        self.console.print(
            f"\nLook:\n  {api}/  the portal; sign in as below\n{ledgers}"
            f"  {api}/api/v1/docs  the API\n"
            f"  {self.home / 'worker.log'}  what the worker does",
            soft_wrap=True,
        )
        self._tell(desks, api)
        self.console.print(
            "\nThe same in another terminal, and the proof that nobody has changed the audit log:\n"
            f"  export BILAG_HOME={shlex.quote(str(self.home))}\n"
            f"  {bilag} exports hlf --state failed\n"
            f"  {bilag} audit verify\n"
            "\nIt is all still running. Stop: Ctrl-C. Start again; nothing is delivered twice:\n"
            f"  {self._again()}\nStart from nothing: delete {self.home}\n",
            soft_wrap=True,
        )
        self._show(people)
        with suppress(KeyboardInterrupt):  # that is how a demo is stopped
            while True:
                processes.check()
                time.sleep(0.5)

    def _show(self, people: Sequence[SignIn]) -> None:
        self.console.print(
            "Sign in to the portal with e-mail, password and a second factor: the code of an app"
            " that you give the key, or one of the codes, each of which works once.",
            soft_wrap=True,
        )
        for one in people:
            self.console.print(
                f"  {one.email}  {one.what}\n    password {one.password}  key {one.key}\n"
                f"    codes {', '.join(one.codes)}",
                soft_wrap=True, highlight=False,
            )  # fmt: skip

    def _again(self) -> str:
        """Return the command that starts this demo again, to be typed in any folder."""
        port = f" --port {self.port}" if self.port != PORT else ""
        return f"{program()} demo --home {shlex.quote(str(self.home))}{port}"

    def _say(self, step: int, text: str) -> None:
        self.console.print(Text.assemble((f"{step}/6", "bold"), " ", text), soft_wrap=True)


def _forget_other_databases(console: Console) -> None:
    for name in _BELONG_TO_OTHERS:
        if os.environ.pop(name, None):
            console.print(f"{name} is set; the demo does not use it")


def _write_configuration(file: Path, addresses: Mapping[str, str]) -> bool:
    """Write demo.yaml once; later only new addresses of the sandboxes go in, changes stay.

    Returns whether it is another file than the one that was applied last.
    """
    folder = file.parent
    (folder / "claimants.csv").write_text(demo_records.claimants_csv())
    secret = folder / "sandbox-secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{_SECRET}\n")
    kept = folder / "demo-addresses.json"
    if not file.exists():
        file.write_text(demo_records.configuration(addresses))
    elif kept.exists():
        text = file.read_text()
        for slug, before in json.loads(kept.read_text()).items():
            text = text.replace(f"{before}/", f"{addresses[slug]}/")
            text = text.replace(f"{before}\n", f"{addresses[slug]}\n")
        file.write_text(text)
    kept.write_text(json.dumps(addresses))
    applied = folder / _APPLIED
    return not applied.exists() or applied.read_text() != file.read_text()


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
