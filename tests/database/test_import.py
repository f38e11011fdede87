"""Files in: rows become claims, bad ones come back to be corrected, nothing is lost or doubled."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from bilag.core.problem import Refused
from bilag.core.record import Record
from bilag.records import importing
from bilag.records.importing import ImportResult, Progress, run_import
from bilag.records.intake import Stored, store_records
from bilag.records.profile import parse_profile
from bilag.records.validate import NotApproved, Withdrawal
from tests.clusters import Database
from tests.database.people import ALICE, CHARLIE, scope, two_organizations
from tests.unit.test_records_malformed import D_NUMBER, MALFORMED, PERSON

PROFILE = """
name: sheet
sourceSystem: sheet
groupBy: [claim]
fields:
  sourceId: claim
  category: {constant: expense}
  currency: {constant: NOK}
  approvedBy: {constant: coordinator-001}
  approvedAt: {rule: lastCostDate}
  text: {column: text, rows: first}
  line.date: date
  line.type: {constant: meeting}
  line.amount: amount
"""
COLUMNS = ["claim", "date", "amount", "text"]
Row = tuple[str, str, str, str]


@dataclass
class Office:
    """Alice's organization, and the verbs of a test: import a file, look at what is stored."""

    database: Database
    folder: Path

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database.application_url)

    def import_rows(self, rows: Iterable[Row], **options: Any) -> ImportResult:
        path = self.folder / "claims.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(chain([COLUMNS], rows))
        return self.import_file(path, **options)

    def import_file(
        self, path: Path, profile: str = PROFILE, accept: importing.Accept = store_records,
        **options: Any,
    ) -> ImportResult:  # fmt: skip
        return run_import(
            self.connect,
            ALICE,
            path,
            parse_profile(profile) if profile else None,
            accept,
            **options,
        )

    def ask(self, query: str, organization: UUID = ALICE) -> list[Any]:
        with scope(self.database.application_url, organization) as connection:
            return connection.execute(query).fetchall()

    def claims(self) -> dict[str, tuple[int, str]]:
        """Return the number of lines and the total of every stored claim."""
        found = self.ask(
            "SELECT source_id, jsonb_array_length(content->'lines'), total FROM records"
        )
        return {source_id: (lines, f"{total:.2f}") for source_id, lines, total in found}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    two_organizations(database.application_url)
    return Office(database, tmp_path)


def scattered(claims: int, rows_each: int = 3) -> list[Row]:
    """Rows of a file in which no two rows of a claim stand together."""
    return list(one_by_one(claims, rows_each))


def one_by_one(claims: int, rows_each: int) -> Iterator[Row]:
    """The same, one row at a time."""
    for row in range(rows_each):
        for claim in range(claims):
            yield f"C-{claim:05}", f"2026-01-{row + 1:02}", f"{row + 1}.50", f"claim {claim}"


def test_rows_of_a_claim_need_not_stand_together(office: Office) -> None:
    result = office.import_rows(scattered(700))
    assert (result.rows, result.accepted, result.bad_rows) == (2100, 700, 0)
    assert office.claims() == {f"C-{claim:05}": (3, "7.50") for claim in range(700)}
    assert result.errors_file is None
    assert [path.name for path in office.folder.iterdir()] == ["claims.csv"]


def test_an_import_leaves_its_account_and_no_rows(office: Office) -> None:
    result = office.import_rows(scattered(5))
    assert office.ask("SELECT count(*) FROM import_rows") == [(0,)]
    assert office.ask("SELECT id, file_name, profile, state, counts->>'accepted' FROM imports") == [
        (result.import_id, "claims.csv", "sheet", "finished", "5")
    ]
    for table in ("imports", "records"):
        assert office.ask(f"SELECT count(*) FROM {table}", CHARLIE) == [(0,)]


def test_importing_again_stores_nothing_twice(office: Office) -> None:
    office.import_rows(scattered(5))
    again = office.import_rows(scattered(5))
    assert (again.accepted, again.known) == (0, 5)
    assert len(office.claims()) == 5


def test_a_bad_row_keeps_its_whole_claim_out_until_it_is_corrected(office: Office) -> None:
    rows = scattered(4)
    rows[5] = ("C-00001", "2026-01-02", "2,50", "claim 1")
    rows.append(("", "2026-01-09", "9", "whose?"))
    rows.append(("C-00002", "1900-01-01", "x", "twice wrong"))
    result = office.import_rows(rows, language="nb")
    assert (result.accepted, result.bad, result.bad_rows) == (2, 2, 8)
    assert set(office.claims()) == {"C-00000", "C-00003"}
    assert {(p.row, p.column, p.problem.code) for p in result.problems} == {
        (7, "amount", "cell_amount"),
        (14, "claim", "row_without_claim"),
        (15, "amount", "cell_amount"),
        (15, "date", "date_out_of_range"),
    }
    assert result.errors_file == office.folder / "claims.csv.errors.csv"
    with result.errors_file.open(newline="") as file:
        bad = list(csv.DictReader(file))
    assert [row["bilag_row"] for row in bad] == ["14", "3", "7", "11", "4", "8", "12", "15"]
    assert bad[2]["bilag_field"] == "amount"
    assert "«2,50» er ikke et beløp" in bad[2]["bilag_problem"]
    assert "rad 7" in bad[1]["bilag_problem"]

    for row in bad:
        row["amount"] = {"2,50": "2.50", "x": "0"}.get(row["amount"], row["amount"])
        row["date"] = row["date"].replace("1900", "2026")
        row["claim"] = row["claim"] or "C-00009"
    with result.errors_file.open("w", newline="") as file:
        writer = csv.DictWriter(file, bad[0])
        writer.writeheader()
        writer.writerows(bad)
    corrected = office.import_file(result.errors_file)
    assert (corrected.accepted, corrected.bad_rows) == (3, 0)
    assert office.claims() == {
        **{f"C-{claim:05}": (3, "7.50") for claim in (0, 1, 3)},
        "C-00002": (4, "7.50"),
        "C-00009": (1, "9.00"),
    }


def test_a_record_refused_at_the_door_comes_back_too(office: Office) -> None:
    office.import_rows(scattered(3))
    changed = [(*row[:2], "100", row[3]) if row[0] == "C-00001" else row for row in scattered(3)]
    result = office.import_rows(changed)
    assert (result.known, result.refused, result.bad_rows) == (2, 1, 3)
    assert result.errors_file
    assert "revision 2" in result.errors_file.read_text()
    assert office.claims()["C-00001"] == (3, "7.50")


def test_200_malformed_records_are_each_answered_and_the_good_ones_stored(office: Office) -> None:
    path = office.folder / "records.ndjson"
    path.write_text("".join(case.text + "\n" for case in MALFORMED))
    result = office.import_file(path, "", source_system="app")
    outcomes = [case.becomes for case in MALFORMED]
    assert result.rows == len(MALFORMED) >= 200
    # Those that become records all have the same id: the first is stored.
    assert result.accepted == 1
    assert result.accepted + result.known + result.refused == outcomes.count(Record)
    assert result.not_approved == outcomes.count(NotApproved) == 2
    assert result.withdrawn_unknown == outcomes.count(Withdrawal) == 1
    assert result.bad == outcomes.count(list)
    assert result.errors_file
    told = [json.loads(line) for line in result.errors_file.read_text().splitlines()]
    bad = {line["bilag_row"]: line["bilag_problems"] for line in told}
    for number, case in enumerate(MALFORMED, start=1):
        if case.problems:
            assert {(p["code"], p.get("field", "")) for p in bad[number]} == case.problems
    assert "95088" not in result.errors_file.read_text()


def test_good_records_among_bad_ones_are_stored(office: Office) -> None:
    path = office.folder / "records.ndjson"
    good = next(case.text for case in MALFORMED if case.name == "negative sum")
    lines = [good.replace("CLAIM-900", f"GOOD-{n}") + "\n" for n in range(len(MALFORMED))]
    mixed = [line for pair in zip(lines, (c.text + "\n" for c in MALFORMED), strict=True)
             for line in pair]  # fmt: skip
    path.write_text("".join(mixed))
    result = office.import_file(path, "", source_system="app")
    stored = office.ask("SELECT count(*), sum(total) FROM records WHERE source_id LIKE 'GOOD-%'")
    assert stored == [(len(MALFORMED), -349 * len(MALFORMED))]
    assert result.bad == sum(case.becomes is list for case in MALFORMED)


def test_an_identity_number_is_stored_nowhere(office: Office) -> None:
    rows = [*scattered(2), ("C-00001", "2026-01-05", "1", f"taxi {PERSON}"), (D_NUMBER, "", "", "")]
    seen: list[str] = []

    def accept(
        connection: psycopg.Connection[Any], organization: UUID, records: Sequence[Record]
    ) -> list[Stored]:
        # While the import runs, so that the staged rows are there to be looked at.
        for table in ("import_rows", "records", "imports"):
            seen.extend(str(row) for row in connection.execute(f"SELECT * FROM {table}"))
        return store_records(connection, organization, records)

    result = office.import_rows(rows, accept=accept)
    assert (result.accepted, result.bad_rows) == (1, 5)
    assert result.errors_file
    everything = " ".join([*seen, result.errors_file.read_text(), str(result)])
    assert "C-00001" in everything
    assert "identity_number" in everything
    for number in (PERSON, D_NUMBER):
        assert number not in everything


def test_cells_that_no_database_takes_are_bad_rows(office: Office) -> None:
    path = office.folder / "claims.csv"
    lines = [b"claim,date,amount,text", b"A,2026-01-01,1,nul \x00", b"B,2026-01-01,1,latin \xf8",
             b"C,2026-01-01,1,good", b"\x00,2026-01-01,1,x"]  # fmt: skip
    path.write_bytes(b"\n".join(lines))
    result = office.import_file(path)
    assert set(office.claims()) == {"C"}
    assert result.bad_rows == 3
    assert result.errors_file
    content = result.errors_file.read_bytes()
    assert b"nul \x00" in content
    assert b"latin \xf8" in content, "the file is given back as it was"


def test_a_claim_of_too_many_rows_is_one_bad_claim(office: Office) -> None:
    rows = [*[("BIG", "2026-01-01", "1", "")] * 1001, ("FULL", "2026-01-01", "1", "")]
    result = office.import_rows(rows + [("FULL", "2026-01-01", "1", "")] * 999)
    assert office.claims() == {"FULL": (1000, "1000.00")}
    assert (result.bad, result.bad_rows) == (1, 1001)
    assert {p.problem.code for p in result.problems} == {"claim_too_long"}


def test_after_a_crash_it_is_run_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_BATCH_RECORDS", 10)
    batches = iter(range(100))

    def crash(
        connection: psycopg.Connection[Any], organization: UUID, records: Sequence[Record]
    ) -> list[Stored]:
        stored = store_records(connection, organization, records)
        if next(batches) == 2:
            raise ConnectionResetError("the machine went down")
        return stored

    with pytest.raises(ConnectionResetError):
        office.import_rows(scattered(45), accept=crash)
    assert len(office.claims()) == 20, "the batch under way is rolled back"
    assert office.ask("SELECT count(*) FROM import_rows") == [(0,)]
    result = office.import_rows(scattered(45))
    assert (result.accepted, result.known) == (25, 20)
    assert office.claims() == {f"C-{claim:05}": (3, "7.50") for claim in range(45)}
    states = office.ask("SELECT state FROM imports ORDER BY started_at")
    assert states == [("broken",), ("finished",)]


def test_a_pooled_connection_comes_back_as_it_was(office: Office) -> None:
    def refuse(*_: object) -> list[Stored]:
        raise ConnectionResetError("in the middle of the claims")

    path = office.folder / "claims.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *scattered(5_000)])
    profile = parse_profile(PROFILE)
    url = office.database.application_url
    with ConnectionPool[psycopg.Connection[Any]](url, min_size=1, max_size=1, open=True) as pool:
        with pytest.raises(ConnectionResetError):
            run_import(pool.connection, ALICE, path, profile, refuse)
        with pool.connection() as connection:
            assert not connection.autocommit
            for left in ("pg_cursors", "pg_locks WHERE locktype = 'advisory'"):
                assert connection.execute(f"SELECT count(*) FROM {left}").fetchone() == (0,)
        result = run_import(pool.connection, ALICE, path, profile, store_records)
    assert result.accepted == 5_000


def test_the_next_import_clears_up_after_a_killed_one_but_not_after_a_living_one(
    office: Office,
) -> None:
    def running(number: int) -> str:
        return (
            "INSERT INTO imports (id, organization_id, file_name, profile, state)"
            f" VALUES ('{UUID(int=number)}', '{ALICE}', 'x.csv', '', 'running');"
            "INSERT INTO import_rows (import_id, organization_id, claim_key, row_no, data)"
            f" VALUES ('{UUID(int=number)}', '{ALICE}', 'k', 2, '[]')"
        )

    lock = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
    with psycopg.connect(office.database.application_url, autocommit=True) as alive:
        alive.execute(lock, [str(UUID(int=2))])
        with scope(office.database.application_url, ALICE) as connection:
            connection.execute(running(1))
            connection.execute(running(2))
        office.import_rows(scattered(1))
    assert office.ask("SELECT import_id FROM import_rows") == [(UUID(int=2),)]
    found = office.ask("SELECT id, state FROM imports WHERE file_name = 'x.csv' ORDER BY id")
    assert found == [(UUID(int=1), "broken"), (UUID(int=2), "running")]


def test_withdrawals_are_taken_in_the_order_of_the_file(office: Office) -> None:
    def line(revision: int, status: str = "approved", name: str = "CLAIM-900") -> str:
        raw = json.loads(next(c.text for c in MALFORMED if c.name == "negative sum"))
        return json.dumps(raw | {"revision": revision, "status": status, "sourceId": name}) + "\n"

    path = office.folder / "records.ndjson"
    path.write_text(line(1) + line(1, "withdrawn") + line(2) + line(1, "withdrawn", "NEVER-SEEN"))
    result = office.import_file(path, "", source_system="app")
    assert (result.accepted, result.withdrawn, result.withdrawn_unknown) == (2, 1, 1)
    assert office.ask("SELECT source_id, revision FROM record_withdrawals") == [("CLAIM-900", 1)]


def test_ndjson_of_foreign_rows_is_grouped_too(office: Office) -> None:
    path = office.folder / "rows.ndjson"
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in scattered(3)]
    rows[4]["amount"] = "much"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    profile = "format: ndjson\n" + PROFILE
    result = office.import_file(path, profile)
    assert (result.accepted, result.bad_rows) == (2, 3)
    assert result.errors_file
    assert result.errors_file.name == "rows.ndjson.errors.ndjson"
    text = result.errors_file.read_text().replace('"amount": "much"', '"amount": 2.5')
    result.errors_file.write_text(text)
    assert office.import_file(result.errors_file, profile).accepted == 1
    assert office.claims() == {f"C-{claim:05}": (3, "7.50") for claim in range(3)}


def test_csv_with_our_own_column_names_needs_no_profile(office: Office) -> None:
    path = office.folder / "own.csv"
    path.write_text(
        "sourceId,category,currency,approvedBy,approvedAt,line.date,line.type,line.amount\n"
        "A,expense,NOK,coordinator-001,2026-02-01T10:00:00Z,2026-01-30,office,12.50\n"
        "A,expense,NOK,coordinator-001,2026-02-01T10:00:00Z,2026-01-30,office,-2.25\n"
    )
    assert office.import_file(path, "").accepted == 1
    assert office.claims() == {"A": (2, "10.25")}


def test_a_file_that_does_not_fit_its_profile_is_refused_before_anything_happens(
    office: Office,
) -> None:
    path = office.folder / "other.csv"
    path.write_text("name,sum\nx,1\n")
    with pytest.raises(Refused, match="name, sum"):
        office.import_file(path)
    assert office.ask("SELECT count(*) FROM imports") == [(0,)]


def test_progress_is_told_and_ends_at_the_end(office: Office) -> None:
    told: list[Progress] = []
    office.import_rows(scattered(1500), progress=told.append)
    reading = [each for each in told if each.phase == "reading"]
    delivering = [each for each in told if each.phase == "delivering"]
    assert told == reading + delivering
    for phase in (reading, delivering):
        assert len(phase) > 2
        assert [each.done for each in phase] == sorted(each.done for each in phase)
        assert phase[-1].done == phase[-1].total
    assert delivering[-1].total == 4500


def test_memory_does_not_grow_with_the_file(office: Office) -> None:
    process = psutil.Process()
    seen: list[int] = []

    def peak(claims: int) -> int:
        seen.clear()
        result = office.import_rows(
            one_by_one(claims, 4),
            accept=as_known,
            progress=lambda _: seen.append(process.memory_info().rss),
        )
        assert result.rows == claims * 4
        return max(seen)

    small, large = peak(500), peak(15_000)
    # Holding 60,000 rows would take some 30 MB; the interpreter's own noise stays below 5.
    assert large - small < 15 * 1024 * 1024, (small, large)


def as_known(
    connection: psycopg.Connection[Any], organization: UUID, records: Sequence[Record]
) -> list[Stored]:
    return [Stored(UUID(int=1), one.source_id, 1, "known", (), b"", False) for one in records]
