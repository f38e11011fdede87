"""The demo: from nothing to a proof in one command, and the second time nothing is sent twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import resolve

from bilag.app.demo_records import claims_of_all
from bilag.app.postgres_places import find_place
from tests.clusters import chosen_binaries, remove_home, temporary_home

# The whole of `--once` takes some 15 s on two free cores.
DEMO_SECONDS_MAX = 120


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for the demo, without anything in it; its server ends with the test."""
    with temporary_home() as folder:
        yield folder / "demo"
        if find_place(folder / "demo"):
            remove_home(folder / "demo")


def environment() -> dict[str, str]:
    """The tests' own environment, with a database in it that the demo must not touch."""
    binaries = chosen_binaries()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BILAG_")},
        **({"BILAG_POSTGRES_BIN": str(binaries)} if binaries else {}),
        "BILAG_DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/nowhere",
    }


def command(home: Path, *more: str) -> list[str]:
    """The command line of a demo in this folder."""
    return [sys.executable, "-m", "bilag.app.cli", "demo", "--home", str(home), *more]


def ledgers(home: Path) -> dict[str, list[dict[str, str]]]:
    """What each sandbox posted, from its own file."""
    return {
        path.name: [json.loads(line) for line in path.read_text().splitlines()]
        for path in sorted(home.glob("ledger-*.ndjson"))
    }


def waiting(printed: str) -> list[tuple[str, str]]:
    """The pages on which something waits for a person, as printed, with what it is."""
    lines = printed.partition("What waits for you")[2].splitlines()
    found = (line.strip().partition("  ") for line in lines if line.startswith("    /o/"))
    return [(path, what.partition(":")[0]) for path, _, what in found]


def test_samples_are_400_claims_of_all_kinds_the_same_every_time() -> None:
    samples = claims_of_all()
    assert samples == claims_of_all()
    claims = [one for file in samples.values() for one in file if one["status"] != "withdrawn"]
    assert len(claims) == 400
    assert len({one["sourceId"] for one in claims}) == 400
    categories = Counter(one["category"] for one in claims)
    assert set(categories) == {"expense", "mileage", "honorarium", "activity"}
    assert min(categories.values()) >= 20


def test_once_proves_it_and_again_sends_nothing(home: Path) -> None:
    def once() -> str:
        ran = subprocess.run(
            command(home, "--once"),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=DEMO_SECONDS_MAX,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stderr == ""
        return ran.stdout

    first = once()
    posted = ledgers(home)
    assert len(posted) == 3
    for entries in posted.values():
        references = {entry["reference"] for entry in entries}
        assert len(references) == len(entries) > 90
        assert f"{len(entries)} vouchers in the ledger of" in first
    assert sum(map(len, posted.values())) > 340
    assert first.count("0 references differ, 0 posted twice") == 3
    for what in ("answers lost after posting", "answers 500 after posting", "answers 429",
                 "requests lost before posting"):  # fmt: skip
        assert what in first
    for word in ("failed", "held", "needs review", "excluded", "cancelled"):
        assert word in first
    assert "and 1 of 2 in doubt, 0 references differ" in first
    assert waiting(first) == [
        ("/o/blindeforbundet/", "all is well"), ("/o/hlf/failed", "12 claims failed"),
        ("/o/hlf/held", "2 claims held"), ("/o/nhf/held", "1 claim held"),
        ("/o/nhf/in-doubt", "2 claims in doubt"),
    ]  # fmt: skip
    pages = [resolve(path, "bilag.app.urls").view_name for path, _ in waiting(first)]
    assert pages == ["portal:overview", "repair:failed", "repair:held", "repair:held",
                     "repair:doubts"]  # fmt: skip
    second = once()
    assert ledgers(home) == posted
    assert "0 accepted" in second
    assert "0 changes by" in second
    assert waiting(second) == waiting(first), "what waits for a person is not repaired by itself"
    assert second.count("0 references differ, 0 posted twice") == 3


def test_a_second_demo_waits_and_the_first_ends_all_it_started(home: Path) -> None:
    log = home.with_name("demo.out")
    with log.open("w") as out:
        first = subprocess.Popen(command(home, "--once"), env=environment(), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + DEMO_SECONDS_MAX
        while not (home / "worker.log").exists():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        second = subprocess.run(
            command(home, "--once"), env=environment(), capture_output=True, text=True, timeout=30
        )
        assert second.returncode == 3
        assert str(first.pid) in second.stderr
        pids = [int(pid) for pid in (home / "demo.lock").read_text().split()]
        assert len(pids) >= 3
    finally:
        first.send_signal(signal.SIGTERM)
        code = first.wait(DEMO_SECONDS_MAX)
    assert code == 130, log.read_text()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
