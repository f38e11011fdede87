"""Records are stored once, answered as the first time, never changed, seen by their owner only."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from bilag.core.record import Record, RecordLine
from bilag.records.fields import ZONE
from bilag.records.intake import Stored, store_records, withdraw
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.people import ALICE, CHARLIE, scope, two_organizations

APPROVED = datetime(2026, 2, 3, 9, 30, tzinfo=ZONE)


def a_record(source_id: str = "CLAIM-1", revision: int = 1, amount: str = "100.25") -> Record:
    line = RecordLine(date(2026, 1, 30), "meeting", Decimal(amount))
    return Record(
        source_system="app",
        source_id=source_id,
        revision=revision,
        category="expense",
        currency="NOK",
        claimant_id="volunteer-017",
        approved_by="coordinator-001",
        approved_at=APPROVED,
        lines=(line, replace(line, date=date(2026, 1, 31))),
    )


@pytest.fixture
def store(database: Database) -> Callable[..., list[Stored]]:
    """Stores records as Alice, each call in a transaction of its own."""
    two_organizations(database.application_url)

    def call(*records: Record) -> list[Stored]:
        with scope(database.application_url, ALICE) as connection:
            return store_records(connection, ALICE, records)

    return call


def outcome(stored: list[Stored]) -> list[tuple[str, bool, list[str]]]:
    return [(one.result, one.is_new, [p.code for p in one.problems]) for one in stored]


def count(database: Database, table: str = "records") -> int:
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def test_a_record_arrives_as_it_was(database: Database, store: Callable[..., Any]) -> None:
    (stored,) = store(a_record())
    with scope(database.application_url, ALICE) as connection:
        row = connection.execute(
            "SELECT id, content, content_hash, total, approved_at, first_cost_date, last_cost_date"
            " FROM records"
        ).fetchone()
    assert row
    assert Record.from_content(row[1]) == a_record()
    assert row[2:] == (stored.content_hash, Decimal("200.50"), APPROVED,
                       date(2026, 1, 30), date(2026, 1, 31))  # fmt: skip
    assert row[0] == stored.record_id


def test_the_same_again_is_answered_as_the_first_time(store: Callable[..., Any]) -> None:
    (first,) = store(a_record())
    (second,) = store(a_record())
    assert (first.result, first.is_new) == ("accepted", True)
    assert (second.result, second.is_new) == ("known", False)
    assert (second.record_id, second.content_hash) == (first.record_id, first.content_hash)


def test_other_content_is_refused_unless_the_revision_is_higher(
    database: Database, store: Callable[..., Any]
) -> None:
    (first,) = store(a_record(amount="100"))
    (refused,) = store(a_record(amount="999"))
    assert outcome([refused]) == [("refused", False, ["other_content"])]
    assert refused.record_id == first.record_id
    assert "revision 2" in refused.problems[0].text("en")
    assert outcome(store(a_record(revision=3, amount="999"))) == [("accepted", True, [])]
    assert outcome(store(a_record(revision=2, amount="500"))) == [
        ("refused", False, ["stale_revision"])
    ]
    assert outcome(store(a_record(amount="100"))) == [("known", False, [])]
    assert count(database) == 2


def test_one_batch_that_names_an_id_several_times(
    database: Database, store: Callable[..., Any]
) -> None:
    batch = [
        a_record("B", 2),
        a_record("A"),
        a_record("B", 2),
        a_record("A", amount="1"),
        a_record("B", 1),
        a_record("A", 2, amount="1"),
    ]
    first = store(*batch)
    assert outcome(first) == [
        ("accepted", True, []),
        ("accepted", True, []),
        ("known", False, []),
        ("refused", False, ["other_content"]),
        ("refused", False, ["stale_revision"]),
        ("accepted", True, []),
    ]
    assert [one.source_id for one in first] == ["B", "A", "B", "A", "B", "A"]
    again = store(*batch)
    assert [one.result for one in again] == ["known"] * 3 + ["refused"] * 2 + ["known"]
    assert [one.record_id for one in again] == [one.record_id for one in first]
    assert count(database) == 3


def test_an_id_of_another_source_system_is_another_record(store: Callable[..., Any]) -> None:
    def of(system: str, source_id: str, revision: int = 1) -> Record:
        return replace(a_record(source_id, revision), source_system=system)

    store(of("app", "B", 7), of("other", "A", 7))
    # Asked for together, so that each of the four pairs could be found; two are not meant.
    batch = (of("app", "A"), of("other", "B"))
    assert [one.result for one in store(*batch)] == ["accepted"] * 2
    assert [one.result for one in store(*batch)] == ["known"] * 2


def test_a_batch_of_thousands(database: Database, store: Callable[..., Any]) -> None:
    records = [a_record(f"C-{number}") for number in range(2_500)]
    assert {one.result for one in store(*records)} == {"accepted"}
    assert {one.result for one in store(*reversed(records))} == {"known"}
    assert count(database) == 2_500


def test_nothing_to_store(store: Callable[..., Any]) -> None:
    assert store() == []


def test_two_at_once_store_each_record_once_and_never_deadlock(
    database: Database, store: Callable[..., Any]
) -> None:
    records = [a_record(f"C-{number:04}") for number in range(2_500)]
    other = [replace(one, text="other") for one in records[:1_000]] + records[1_000:]
    answers: dict[str, list[Stored]] = {}
    together = threading.Barrier(2)

    def run(name: str, batch: list[Record]) -> None:
        with psycopg.connect(database.application_url, autocommit=True) as connection:
            together.wait(timeout=30)
            with organization_scope(connection, ALICE):
                answers[name] = store_records(connection, ALICE, batch)

    # In opposite orders: whoever locked in the order given would deadlock here.
    pairs = (("one", records), ("two", list(reversed(other))))
    threads = [threading.Thread(target=run, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert set(answers) == {"one", "two"}, "a thread died"
    assert count(database) == 2_500
    by_id = {one.source_id: one for one in answers["two"]}
    for one in answers["one"]:
        results = sorted([one.result, by_id[one.source_id].result])
        same = one.source_id >= "C-1000"
        assert results == (["accepted", "known"] if same else ["accepted", "refused"])
        assert one.record_id == by_id[one.source_id].record_id


def test_the_loser_of_a_race_is_told_what_stands(
    database: Database, store: Callable[..., Any]
) -> None:
    """The first keeps its transaction open, so the second has decided on what it saw before."""
    answered: list[Stored] = []

    def second() -> None:
        answered.extend(store(a_record(amount="2"), a_record("X")))

    with scope(database.application_url, ALICE) as connection:
        (first,) = store_records(connection, ALICE, [a_record(amount="1")])
        thread = threading.Thread(target=second)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            for _ in range(1000):
                row = owner.execute(waiting).fetchone()
                if row and row[0]:
                    break
            else:
                pytest.fail("the second never waited for the first")
    thread.join(timeout=30)
    assert outcome(answered) == [("refused", False, ["other_content"]), ("accepted", True, [])]
    assert answered[0].record_id == first.record_id


@pytest.mark.parametrize("table", ["records", "record_withdrawals"])
@pytest.mark.parametrize("what", ["UPDATE {} SET source_id = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_nobody_changes_what_is_in_not_even_the_owner(
    database: Database, store: Callable[..., Any], table: str, what: str
) -> None:
    store(a_record())
    with scope(database.application_url, ALICE) as connection:
        withdraw(connection, ALICE, "app", "CLAIM-1", None, "coordinator-001")
    for url in (database.application_url, database.owner_url):
        target = f"{table} CASCADE" if "TRUNCATE" in what else table
        with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, ALICE) as connection:
            connection.execute(what.format(target))
    assert count(database, table) == 1


def test_an_outsider_sees_and_writes_nothing(database: Database, store: Callable[..., Any]) -> None:
    store(a_record())
    with scope(database.application_url, CHARLIE) as connection:
        for table in ("records", "record_withdrawals", "imports", "import_rows"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert withdraw(connection, CHARLIE, "app", "CLAIM-1", None, "charlie") is None
        assert outcome(store_records(connection, CHARLIE, [a_record()])) == [("accepted", True, [])]
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        scope(database.application_url, CHARLIE) as connection,
    ):
        store_records(connection, ALICE, [a_record("CLAIM-2")])
    with psycopg.connect(database.application_url) as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (0,)


def test_a_withdrawal_is_noted_once_and_names_the_newest_revision(
    database: Database, store: Callable[..., Any]
) -> None:
    store(a_record())
    (newest,) = store(a_record(revision=4, amount="1"))
    with scope(database.application_url, ALICE) as connection:
        first = withdraw(connection, ALICE, "app", "CLAIM-1", APPROVED, "coordinator-001")
        again = withdraw(connection, ALICE, "app", "CLAIM-1", None, "coordinator-002")
        unknown = withdraw(connection, ALICE, "app", "CLAIM-2", None, "coordinator-001")
        rows = connection.execute(
            "SELECT revision, withdrawn_at, withdrawn_by FROM record_withdrawals"
        ).fetchall()
    assert first is not None
    assert again is not None
    assert (first.record_id, first.revision, first.is_new) == (newest.record_id, 4, True)
    assert not again.is_new
    assert unknown is None
    assert rows == [(4, APPROVED, "coordinator-001")]
