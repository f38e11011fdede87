"""What somebody meets who starts: hints that can be typed, and refusals that say what to do."""

import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from openpyxl import Workbook

from bilag.app import cli_sync
from bilag.app.cli import run
from bilag.app.cli_open import program
from tests.clusters import Cluster, Database, database_of
from tests.database.cli_place import ORGANIZATION, Place, claim
from tests.database.test_cli_commands import place  # noqa: F401 - a fixture

OWN = "sourceId;category;currency;approvedBy;approvedAt;line.date;line.type;line.amount\n"


def test_no_worker_is_told_soon_and_by_a_code_of_its_own(place: Place) -> None:  # noqa: F811
    place.configure()
    taken = place.take_in(claim(1))
    assert taken.code == 0
    assert "no worker is running" in taken.err
    started = time.monotonic()
    ran = place.bilag("sync", ORGANIZATION, "--wait")
    assert ran.code == 6
    assert time.monotonic() - started < cli_sync.NO_WORKER_SECONDS_MAX + 5
    assert f"{program()} worker" in ran.err
    assert place.states() == {"C-1": "pending"}
    with place.worker():
        assert place.bilag("sync", ORGANIZATION, "--wait", "--timeout", 60).code == 0
        again = place.take_in(claim(2))
    assert "no worker" not in again.err


def test_hints_name_a_program_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert program() != "bilag"
    said = subprocess.run(
        [*shlex.split(program()), "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("bilag ")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert program() == "bilag"


def test_status_tells_when_in_which_zone_and_what_was_refused(place: Place) -> None:  # noqa: F811
    place.configure()
    place.take_in(claim(1), claim(2, costCentre="9999"))
    place.deliver()
    place.take_in(claim(3))
    place.deliver()
    heading = place.bilag("status").out.splitlines()[0]
    assert place.rows("SELECT outcome FROM syncs ORDER BY finished_at")[-1] == ("ok",)
    assert heading.endswith("(Europe/Oslo), 1 failed"), "the last sync was well, not all is"
    assert "since (Europe/Oslo)" in place.bilag("exports", ORGANIZATION).out


def test_every_fault_of_a_profile_stands_on_a_line_of_its_own(place: Place) -> None:  # noqa: F811
    place.configure()
    table, profile = place.home / "claims.csv", place.home / "profile.yaml"
    table.write_text("claim;amount\n1;2\n")
    profile.write_text("name: x\ntimeZone: Oslo\n")
    ran = place.bilag("import", table, "--organization", ORGANIZATION, "--profile", profile)
    assert ran.code == 3
    head, *faults = ran.err.splitlines()
    assert str(profile) in head
    assert [line.split(":")[0].strip() for line in faults] == ["sourceSystem", "timeZone", "fields"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("notes.txt", b"Dear accountant,\nhere are the claims.\n", "not NDJSON"),
        ("claims.json", b'[\n  {"sourceId": "C-1"}\n]\n', "one JSON document"),
        ("claims.pdf", b"%PDF-1.7\n", "PDF"),
        ("claims.xlsx", b"PK\x03\x04 broken off", "damaged"),
    ],
)
def test_a_file_that_is_something_else_is_one_sentence(
    place: Place,  # noqa: F811
    name: str,
    content: bytes,
    what: str,
) -> None:
    place.configure()
    file = place.home / name
    file.write_bytes(content)
    ran = place.bilag("import", file, "--organization", ORGANIZATION)
    assert ran.code == 3
    assert what in ran.err
    assert name in ran.err
    assert len(ran.err.splitlines()) == 1
    assert place.rows("SELECT count(*) FROM imports") == [(0,)]
    assert not list(place.home.glob("*.errors*"))


def test_csv_and_workbook_with_our_own_names_need_no_profile(place: Place) -> None:  # noqa: F811
    place.configure()
    row = ["C-1", "expense", "NOK", "Coordinator 03", "2026-03-04T10:00:00Z", "2026-03-02", "reise"]
    table = place.home / "claims.csv"
    table.write_text(OWN + ";".join([*row, "12.30"]) + "\n")
    assert place.bilag("import", table, "--organization", ORGANIZATION).code == 0
    book = Workbook()
    book.active.append(OWN.strip().split(";"))
    book.active.append([*row, 12.3])
    book.create_sheet("March")
    book.save(place.home / "claims.xlsx")
    again = place.bilag("import", place.home / "claims.xlsx", "--organization", ORGANIZATION)
    assert again.code == 0
    assert "1 claims known already" in " ".join(again.out.split())
    assert "sheets not read: March" in again.out


def test_an_unknown_scope_is_named(place: Place) -> None:  # noqa: F811
    place.configure()
    wrong = place.bilag("token", ORGANIZATION, "--name", "app", "--scope", "record:write")
    assert wrong.code == 2
    assert "no scope “record:write”" in wrong.err
    assert "records:write" in wrong.err
    assert place.bilag("token", ORGANIZATION, "--name", "app").code == 2
    assert place.rows("SELECT count(*) FROM api_tokens") == [(0,)]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without settings of ours, but for a home folder."""
    for name in [name for name in os.environ if name.startswith("BILAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    return tmp_path


def test_a_mistyped_command_is_guessed(clean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["stauts"]) == 2
    assert "did you mean status?" in capsys.readouterr().err
    assert run(["xyzzy"]) == 2
    assert "bilag --help" in capsys.readouterr().err


def test_a_wrong_language_in_the_environment_is_named(
    clean: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILAG_LANGUAGE", "no")
    assert run(["status"]) == 2
    said = capsys.readouterr().err
    assert said == "bilag: BILAG_LANGUAGE is 'no'; it must be one of: nb, nn, en\n"
    assert run(["status", "--language", "nb"]) == 3, "an option goes before the environment"


def test_a_port_in_use_is_one_sentence(
    clean: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in (["serve"], ["sandbox", "rest"]):
            assert run([*command, "--port", str(port)]) == 3
            said = capsys.readouterr().err
            wanted = f"bilag: port {port} of 127.0.0.1 is in use; choose another with --port"
            assert said.splitlines() == [wanted]


def test_migrate_says_what_it_did(
    clean: Path,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh = database_of(cluster, "bilag_first_migrate")
    with psycopg.connect(cluster.urls.owner, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {fresh.name}")
    monkeypatch.setenv("BILAG_DATABASE_URL", fresh.application_url)
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", fresh.owner_url)
    assert run(["migrate"]) == 0
    assert "made the tables in a new database; next:" in capsys.readouterr().out
    assert run(["migrate"]) == 0
    assert capsys.readouterr().out == "the database is at this version already\n"
