"""A new credential is tried, takes over, proves itself or is taken back; no secret is ever seen."""

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import structlog
from psycopg import sql

from tests.clusters import Database
from tests.database.cli_place import ORGANIZATION, Place, Ran, claim
from tests.sandboxes import start_sandbox

OLD, NEW, NEWER = "canary-old-1111", "canary-new-2222", "canary-newer-3333"
CANARIES = (OLD, NEW, NEWER)


class Watched(Place):
    """A place that keeps all that its commands said."""

    def bilag(self, *arguments: object) -> Ran:
        """Run one command and remember what it said."""
        ran = super().bilag(*arguments)
        with (self.home / "said").open("a") as said:
            said.write(ran.out + ran.err)
        return ran


@pytest.fixture
def place(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Watched]:
    """An organization that has delivered claim C-1 with the old key; canaries are looked for."""
    monkeypatch.setenv("BILAG_HOME", str(tmp_path))
    monkeypatch.setenv("BILAG_DATABASE_URL", database.application_url)
    monkeypatch.setenv("BILAG_LOG_LEVEL", "debug")
    monkeypatch.delenv("BILAG_LANGUAGE", raising=False)
    for name, secret in (("OLD", OLD), ("NEW", NEW), ("NEWER", NEWER)):
        monkeypatch.setenv(name, secret)
    handlers, level = logging.root.handlers, logging.root.level
    with start_sandbox("rest", api_key=OLD) as sandbox:
        place = Watched(tmp_path, database, sandbox, capsys, api_key=OLD)
        assert place.configure().code == 0
        place.take_in(claim(1))
        place.deliver()
        assert place.states() == {"C-1": "exported"}
        yield place
        leaks = [canary for canary in CANARIES if canary in (tmp_path / "said").read_text()]
        assert not leaks, "in what a command or its log said"
        assert not _in_the_database(database)
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def _in_the_database(database: Database) -> list[str]:
    """Return the tables in whose rows a canary stands, as text or as bytes."""
    found = []
    with psycopg.connect(database.owner_url) as owner:
        tables = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p')"
        ).fetchall()
        for (table,) in tables:
            rows = owner.execute(
                sql.SQL("SELECT to_jsonb(t)::text FROM {} t").format(sql.Identifier(table))
            )
            text = "\n".join(row for (row,) in rows)
            if any(c in text or c.encode().hex() in text for c in CANARIES):
                found.append(table)
    assert len(tables) > 20
    return found


def set_key(place: Place, name: str, *options: str) -> Ran:
    """Set the API key from the environment variable `name`."""
    return place.bilag(
        "set-credential", ORGANIZATION, "ledger", "api_key", "--from", f"env:{name}", *options
    )


def credentials(place: Place) -> dict[str, object]:
    """Return what the list says of the one credential."""
    (one,) = place.bilag("credentials", ORGANIZATION, "--json").json
    return dict(one)


def deliver(place: Place, number: int) -> str:
    """Take a claim in, deliver, and return its state."""
    place.take_in(claim(number))
    place.deliver()
    return place.states()[f"C-{number}"]


def changes(place: Place) -> list[str]:
    """Return what the audit trail says of credentials, oldest first."""
    return [
        event
        for (event,) in place.rows(
            "SELECT event FROM change_logs WHERE event LIKE 'credential.%%' ORDER BY link"
        )
    ]


def test_a_new_secret_that_does_not_pass_changes_nothing(place: Place) -> None:
    before = place.rows("SELECT sealed, set_at FROM credentials")
    refused = set_key(place, "NEW")
    assert refused.code == 1
    assert "not stored" in refused.err
    assert "401" in refused.err or "login" in refused.err.lower()
    assert place.rows("SELECT sealed, set_at FROM credentials") == before
    assert place.rows("SELECT * FROM kept_credentials") == []
    assert deliver(place, 2) == "exported"
    assert changes(place) == ["credential.set"]


def test_a_good_one_takes_over_and_the_old_is_erased_when_it_has_sent(place: Place) -> None:
    place.sandbox.set(api_key=NEW)
    done = set_key(place, "NEW", "--expires", "2031-01-31")
    assert (done.code, "tested" in done.out) == (0, True)
    listed = credentials(place)
    assert (listed["secret"], listed["reserve"]) == ("••••••••2222", "••••••••1111")
    assert str(listed["expiresAt"]).startswith("2031-01-31")
    assert str(listed["setBy"]).startswith("command line")
    assert deliver(place, 2) == "exported"
    assert credentials(place)["reserve"] is None
    assert place.rows("SELECT * FROM kept_credentials") == []
    assert changes(place) == ["credential.set", "credential.set", "credential.proven"]
    details = place.rows("SELECT detail FROM change_logs WHERE event = 'credential.set'")
    assert details[-1][0] == {"expires": "2031-01-31", "tested": True}


def test_a_new_one_that_is_refused_before_it_sent_anything_falls_back_once(place: Place) -> None:
    assert set_key(place, "NEW", "--no-test").code == 0
    assert deliver(place, 2) == "exported"
    assert credentials(place)["secret"] == "••••••••1111"
    assert changes(place)[-1] == "credential.fell_back"
    status = place.bilag("status", "--json")
    (one,) = status.json["organizations"][0]["integrations"]
    assert (one["condition"], status.code) == ("active", 0)
    assert "api_key" in one["warning"]
    assert "401" in one["warning"] or "refused" in one["warning"]
    assert "warning: " in place.bilag("status").out
    assert "warning: " in place.bilag("check-connection", ORGANIZATION).out
    # nothing is in reserve any more: from now on a refusal stops, as ever
    place.sandbox.set(api_key=NEWER)
    assert deliver(place, 3) == "pending"
    assert place.rows("SELECT error_since IS NOT NULL FROM integration_runtime") == [(True,)]
    assert changes(place).count("credential.fell_back") == 1
    # a good one ends error and warning, and what waited goes out
    assert set_key(place, "NEWER").code == 0
    place.deliver()
    assert place.states()["C-3"] == "exported"
    assert place.rows("SELECT error_since, warning FROM integration_runtime") == [(None, None)]
    totals = place.sandbox.ledger()
    assert len(totals["entries"]) == 3, "each claim once"


def test_a_refusal_after_its_first_success_stops(place: Place) -> None:
    place.sandbox.set(api_key=NEW)
    set_key(place, "NEW")
    assert deliver(place, 2) == "exported"
    place.sandbox.set(api_key=OLD)
    assert deliver(place, 3) == "pending"
    assert credentials(place)["secret"] == "••••••••2222"
    assert "credential.fell_back" not in changes(place)


def test_two_new_ones_in_a_row_fall_back_to_the_one_that_has_sent(place: Place) -> None:
    set_key(place, "NEW", "--no-test")
    set_key(place, "NEWER", "--no-test")
    assert credentials(place)["reserve"] == "••••••••1111"
    assert deliver(place, 2) == "exported"
    assert credentials(place)["secret"] == "••••••••1111"


def test_other_settings_take_the_reserve_away(place: Place) -> None:
    set_key(place, "NEW", "--no-test")
    file = place.write_configuration()
    file.write_text(file.read_text().replace("credentials:", "x:").replace("'0'", "'1'"))
    file.write_text("\n".join(x for x in file.read_text().splitlines() if "file:key" not in x and
                              x.strip() != "x:"))  # fmt: skip
    assert "settings" in place.bilag("apply", file).out
    assert place.rows("SELECT * FROM kept_credentials") == []


def test_apply_goes_on_as_before(place: Place) -> None:
    set_key(place, "NEW", "--no-test")
    assert "replaced" in place.configure().out
    assert credentials(place)["secret"] == "••••••••1111"
    assert place.rows("SELECT * FROM kept_credentials") == []
    assert place.configure().out == "nothing to change\n"


def test_what_expires_soon_is_said_where_people_look(place: Place) -> None:
    soon = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    assert set_key(place, "OLD", "--expires", soon).code == 0
    listed = place.bilag("credentials", ORGANIZATION)
    assert (listed.code, "8 days left" in listed.out) == (1, True)
    assert f"api_key expires {soon}" in place.bilag("status").out
    assert f"api_key expires {soon}" in place.bilag("check-connection", ORGANIZATION).out
    (one,) = place.bilag("status", "--json").json["organizations"][0]["integrations"]
    assert [(e["field"], e["daysLeft"]) for e in one["expiring"]] == [("api_key", 8)]
    assert set_key(place, "OLD", "--expires", "2020-01-31").code == 0
    assert "api_key has expired (2020-01-31)" in place.bilag("status").out
    assert set_key(place, "OLD").code == 0
    assert place.bilag("credentials", ORGANIZATION).code == 0
    assert "expires" not in place.bilag("status").out


def test_a_secret_comes_from_a_file_or_standard_input_and_never_from_an_argument(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("set-credential", ORGANIZATION, "ledger", "api_key", "--from")
    place.sandbox.set(api_key=NEW)
    (place.home / "new").write_text(f"{NEW}\n")
    assert place.bilag(*where, f"file:{place.home / 'new'}").code == 0
    place.sandbox.set(api_key=NEWER)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NEWER}\n"))
    assert place.bilag(*where, "-").code == 0
    assert place.bilag(*where, NEW).code == 2
    assert place.bilag(*where, "env:NOT_SET").code == 3
    assert place.bilag(*where, f"file:{place.home / 'missing'}").code == 3
    unknown = place.bilag(*where[:3], "password_x", "--from", "env:NEW")
    assert (unknown.code, "api_key" in unknown.err) == (3, True)
    assert place.bilag("credentials", "nhf").code == 4
    assert credentials(place)["secret"] == "••••••••3333"


def test_fields_that_belong_together_are_tried_together(place: Place) -> None:
    user = "canary-new-2222-user"
    both = ("basic_password", "--from", "env:NEW", "--also", "api_key=env:OLD", "--no-test")
    known = place.bilag("set-credential", ORGANIZATION, "ledger", "nothing", "--from", "env:NEW")
    field = next(n for n in ("password", "basic_password") if n in known.err)
    done = place.bilag("set-credential", ORGANIZATION, "ledger", field, *both[1:])
    assert done.code == 0
    assert user not in done.out
    listed = place.bilag("credentials", ORGANIZATION, "--json").json
    assert {one["field"] for one in listed} == {field, "api_key"}


def test_apply_tries_first_where_it_is_asked_to(place: Place) -> None:
    file = place.write_configuration()
    (place.home / "key").write_text(NEW)
    refused = place.bilag("apply", file, "--test")
    assert refused.code == 3
    assert "organizations[hlf].integrations[ledger]" in refused.err
    (place.home / "key").write_text(OLD)
    good = file.read_text()
    file.write_text(good.replace(place.sandbox.url, "http://127.0.0.1:1"))
    assert place.bilag("apply", file, "--test").code == 3, "an address is tried as well"
    assert credentials(place)["secret"] == "••••••••1111"
    assert deliver(place, 2) == "exported"
    place.sandbox.set(api_key=NEW)
    (place.home / "key").write_text(NEW)
    file.write_text(good)
    assert place.bilag("apply", file, "--test").code == 0
    assert deliver(place, 3) == "exported"
