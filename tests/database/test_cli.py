"""The command line itself: its help, its exit codes, and what it says when something is missing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bilag import __version__
from bilag.app import cli_status
from bilag.app.cli import run
from tests.clusters import Cluster, Database, database_of, temporary_home

COMMANDS = (
    "demo", "serve", "worker", "migrate", "apply", "import", "sync", "retry", "resolve",
    "restored", "status", "exports", "sandbox", "check-connection", "token",
    "export-configuration",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BILAG_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder without anything in it."""
    with temporary_home() as folder:
        monkeypatch.setenv("BILAG_HOME", str(folder))
        yield folder


def test_help_names_every_command_variable_and_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    page = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n  {command} " in page
    for code in ("\n  0 ", "\n  1 ", "\n  2 ", "\n  3 ", "\n  4 ", "\n  5 ", "\n  70 ", "\n  130 "):
        assert code in page
    assert "BILAG_DATABASE_URL" in page
    assert "bilag demo" in page


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert f"bilag {command}" in capsys.readouterr().out


def test_help_page_loads_nothing_heavy() -> None:
    code = (
        "import sys; from bilag.app.cli import run; run(['--help']);"
        " sys.exit(bool({'psycopg', 'django', 'aiohttp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_wrong_use_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["no-such-command"]) == 2
    assert run(["status", "--no-such-option"]) == 2
    assert run(["import", "/no/such/file", "--organization", "hlf"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_no_database_is_3_and_none_is_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 3
    said = capsys.readouterr().err
    assert "bilag migrate" in said
    assert str(home) in said
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgres//bilag_app:s3cret-word@host/bilag",
        "postgresql://bilag_app:s3cret-word@127.0.0.1:1/bilag",
        "postgresql://bilag_app:s3cret-w%rd@127.0.0.1/bilag",
    ],
)
@pytest.mark.parametrize("command", [["status"], ["migrate"], ["worker", "--once"]])
def test_unusable_address_is_3_and_its_password_is_not_shown(
    url: str,
    command: list[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BILAG_DATABASE_URL", url)
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", url)
    assert run(command) == 3
    said = capsys.readouterr().err
    assert "s3cret" not in said
    assert "database" in said
    assert len(said.splitlines()) == 1


def test_owner_is_refused(
    home: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BILAG_DATABASE_URL", database.owner_url)
    for command in (["status"], ["worker", "--once"]):
        assert run(command) == 3
        assert "owns tables" in capsys.readouterr().err


def test_wrong_master_key_is_3(
    home: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.setenv("BILAG_MASTER_KEY", "not-a-master-key-at-all")
    assert run(["status"]) == 3
    said = capsys.readouterr().err
    assert "BILAG_MASTER_KEY" in said
    assert "not-a-master-key" not in said


def test_migrate_makes_the_tables_and_may_run_again(
    home: Path,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh = database_of(cluster, "bilag_cli_migrate")
    with psycopg.connect(cluster.urls.owner, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {fresh.name}")
    monkeypatch.setenv("BILAG_DATABASE_URL", fresh.application_url)
    assert run(["status"]) == 3
    assert "bilag migrate" in capsys.readouterr().err
    assert run(["migrate"]) == 3
    assert "BILAG_DATABASE_OWNER_URL" in capsys.readouterr().err
    monkeypatch.setenv("BILAG_DATABASE_OWNER_URL", fresh.owner_url)
    assert run(["migrate"]) == 0
    assert run(["migrate"]) == 0
    capsys.readouterr()
    assert run(["status"]) == 0
    assert "bilag apply" in capsys.readouterr().out


def test_a_fault_of_ours_is_one_line_without_secrets(
    home: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"cannot reach {database.application_url}\nbecause of that")

    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.setattr(cli_status, "all_standings", fail)
    password = database.application_url.split(":")[2].partition("@")[0]
    assert run(["status"]) == 70
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "RuntimeError" in said
    assert password not in said
    monkeypatch.setenv("BILAG_DEBUG", "1")
    assert run(["status"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(home: Path, database: Database) -> None:
    environment = {
        **os.environ,
        "BILAG_HOME": str(home),
        "BILAG_DATABASE_URL": database.application_url,
    }
    command = [sys.executable, "-m", "bilag.app.cli", "status"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")
