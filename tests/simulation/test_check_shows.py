"""What a connection test that passes shows and remembers, and how long the command really takes.

The systems hold one claim of ours, so that look-up can be proven; each command is a process.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bilag.app.cli_check import ITEMS_MAX
from tests.clusters import Database
from tests.sandboxes import SandboxProcess
from tests.simulation.systems import BUSINESS_CENTRAL, REST, XLEDGER, System
from tests.simulation.test_two_ledgers import come_to_rest
from tests.simulation.world import World, claim, make_world

SECONDS_MAX = 10.0
SLUG = "hlf"
LISTS = {"accounts", "cost_centres"}


def within_time(world: World, seconds: float) -> None:
    """Assert that a check kept its time; what starting Python costs here and now is not its own."""
    started = time.monotonic()
    assert world.run("check-connection", "--help").returncode == 0
    assert seconds - (time.monotonic() - started) < SECONDS_MAX


@dataclass(frozen=True)
class Place:
    """An organization that posts to a sandbox of one kind."""

    system: System
    sandbox: SandboxProcess
    world: World

    def check(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the connection test as a process, within the time that is promised."""
        started = time.monotonic()
        ran = self.world.run("check-connection", SLUG, *options)
        within_time(self.world, time.monotonic() - started)
        assert ran.stderr == ""
        return ran

    def found(self) -> dict[str, Any]:
        """Run it for programs, and return what it found."""
        (found,) = json.loads(self.check("--json").stdout)["integrations"]
        assert isinstance(found, dict)
        return found

    def remembered(self) -> tuple[Any, ...]:
        """Return company and proof of look-up as they are remembered."""
        (row,) = self.world.query(
            "SELECT company_id, company_name, look_up_proven_at IS NOT NULL"
            " FROM integration_runtime"
        )
        return row


@pytest.fixture(params=[REST, XLEDGER, BUSINESS_CENTRAL], ids=lambda system: system.name)
def place(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Place]:
    """Each of the three kinds, before anything was posted."""
    system: System = request.param
    settings = {"company": {"path": "/company", "name": "/name"}} if system is REST else {}
    with ExitStack() as stack:
        sandbox = stack.enter_context(system.start())
        world = stack.enter_context(
            make_world(
                database.application_url, database.owner_url, tmp_path,
                system=system.connector, secrets=system.secrets, slug=SLUG,
                settings=system.settings_of(sandbox.url, **settings),
                delivery={"requestTimeoutSeconds": 20.0},
            )
        )  # fmt: skip
        yield Place(system, sandbox, world)


def test_a_check_shows_company_and_lists_and_proves_the_look_up(place: Place) -> None:
    system, world, sandbox = place.system, place.world, place.sandbox
    lists = LISTS if system is not REST else set()
    before = sandbox.ledger(summary=True)
    first = place.found()
    assert (first["ok"], first["lookUpProven"]) == (True, False)
    company = (first["company"]["id"], "Sandbox Organization")
    assert place.remembered() == (*company, False)
    assert set(first["masterData"]) == lists
    for kind, listed in first["masterData"].items():
        assert listed["items"], kind
        assert (listed["more"], listed["problem"]) == (False, None)
    if lists:
        accounts = {one["code"] for one in first["masterData"]["accounts"]["items"]}
        assert accounts >= {"7140", "2990"}
    assert sandbox.ledger(summary=True) == before, "a check writes nothing"

    world.accept([claim(1)])
    world.start_worker()
    assert come_to_rest(world, system) == {"exported": 1}
    world.stop_workers()
    shown = place.check("--language", "nn")
    assert shown.returncode == 0, shown.stdout
    assert "ledger: ok: Sambandet verkar, og oppslag på referanse er prova." in shown.stdout
    assert f"  firma: {' '.join(company)}\n" in shown.stdout
    assert ("  kontoar: " in shown.stdout) == ("  kostnadsstader: " in shown.stdout) == bool(lists)
    assert place.remembered() == (*company, True)

    if system is not BUSINESS_CENTRAL:  # its settings name the company
        sandbox.faults({"kind": "wrong_company", "on": "company"})
        other = place.check("--language", "nb")
        assert other.returncode == 1
        assert "ledger: IKKE OK: Påloggingen fører til selskap" in other.stdout
        assert "Another Organization" in other.stdout
        assert company[0] in other.stdout
        assert "kontoer" not in other.stdout
        assert place.remembered() == (*company, True)

    (reference,) = world.query("SELECT reference FROM exports")[0]
    sandbox.reset()
    gone = place.found()
    assert not gone["ok"]
    assert gone["said"][0]["code"].endswith("known_not_found")
    assert reference in gone["message"]
    assert gone["masterData"] == {}


@pytest.mark.parametrize("place", [XLEDGER, BUSINESS_CENTRAL], ids=lambda s: s.name, indirect=True)
def test_lists_that_do_not_come_in_time_fail_nothing(place: Place) -> None:
    many = {f"8{number:05}": f"Account {number}" for number in range(ITEMS_MAX + 500)}
    place.sandbox.add_master_data(accounts=many)
    place.sandbox.faults({"kind": "slow", "on": "read", "at": [1_000_000]})
    accounts = place.found()["masterData"]["accounts"]
    assert (len(accounts["items"]), accounts["more"]) == (ITEMS_MAX, True)
    (counted,) = place.sandbox.faults()["faults"]
    # what the check itself reads comes first, then the lists: at least three requests
    lists = list(range(counted["seen"] - 3, counted["seen"] + 9))
    place.sandbox.clear_faults()
    place.sandbox.faults({"kind": "silent", "on": "read", "at": lists})
    late = place.check("--language", "nb")
    assert late.returncode == 0, late.stdout
    assert late.stdout.count("Ikke hentet: tiden for testen var ute.") == 2, late.stdout
    assert place.remembered()[1] == "Sandbox Organization"
    place.sandbox.clear_faults()
    place.sandbox.faults({"kind": "error_before", "on": "read", "at": lists})
    found = place.found()
    assert found["ok"]
    problems = [one["problem"]["code"] for one in found["masterData"].values()]
    assert problems == ["connector.system_fault"] * 2


NEVER_ANSWERS = """
import socket, time
real = socket.getaddrinfo
def stuck(host, *rest, **named):
    if str(host).endswith(".invalid"):
        time.sleep(60)
    return real(host, *rest, **named)
socket.getaddrinfo = stuck
from bilag.app.cli import main
main()
"""


def test_a_name_server_that_never_answers_holds_nothing_up(
    database: Database, tmp_path: Path
) -> None:
    settings = REST.settings_of("https://ledger.invalid", company={"path": "/company"})
    with make_world(
        database.application_url, database.owner_url, tmp_path, settings=settings, slug="stuck"
    ) as world:
        started = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-c", NEVER_ANSWERS, "check-connection", "stuck"],
            env={**os.environ, **world.environment()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        within_time(world, time.monotonic() - started)
    assert ran.returncode == 1, ran.stderr
    assert "ledger.invalid gave no complete answer in time" in ran.stdout
