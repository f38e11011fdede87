"""Imports a file of foreign rows: stage, group into claims, validate, hand over in batches.

Memory does not grow with the file. Running an import again is safe: what was stored is `known`.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, Literal
from uuid import UUID, uuid4

import psycopg

from bilag.core.clock import utc_now
from bilag.core.problem import Problem
from bilag.core.record import Record
from bilag.records.claims import Builder, Built, ClaimBuilder, RecordBuilder, RowProblem
from bilag.records.errors_file import ErrorsFile, form_of
from bilag.records.fields import LINES_MAX, ZONE, FieldError
from bilag.records.intake import Stored, withdraw
from bilag.records.open_rows import open_rows
from bilag.records.profile import Profile
from bilag.records.rows import Row, RowSource
from bilag.records.staging import StagedRow, Staging
from bilag.records.validate import NotApproved, Withdrawal
from bilag.tenants.scope import organization_scope

# Failure policy: a batch is one transaction. A crash loses at most the batch under way, and the
# import is run again: batches stored before it are answered `known`.
_BATCH_RECORDS = 500
_BATCH_CHARACTERS = 2 * 1024 * 1024
_STAGE_ROWS = 2_000
_PROBLEMS_SHOWN = 100

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
Accept = Callable[[psycopg.Connection[Any], UUID, Sequence[Record]], Sequence[Stored]]
Withdraw = Callable[[psycopg.Connection[Any], UUID, Withdrawal], object]
Phase = Literal["reading", "delivering"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: bytes of the file while `reading`, rows while `delivering`."""

    phase: Phase
    done: int
    total: int


@dataclass(slots=True)
class ImportResult:
    """What became of a file; records are counted by outcome, `problems` are the first hundred.

    `bad` are records (claims) that were kept out, `bad_rows` the rows written to `errors_file`,
    those of records refused at the door (`refused`) included. `not_read` are a workbook's other
    sheets.
    """

    import_id: UUID
    rows: int = 0
    accepted: int = 0
    known: int = 0
    refused: int = 0
    not_approved: int = 0
    withdrawn: int = 0
    withdrawn_unknown: int = 0
    bad: int = 0
    bad_rows: int = 0
    errors_file: Path | None = None
    problems: list[RowProblem] = field(default_factory=list)
    not_read: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return the numbers, for the table of imports."""
        numbers = ((each.name, getattr(self, each.name)) for each in dataclass_fields(self))
        return {name: number for name, number in numbers if isinstance(number, int)}


def note_withdrawal(
    connection: psycopg.Connection[Any], organization_id: UUID, withdrawal: Withdrawal
) -> object:
    """Store a withdrawal and nothing more; returns None when no such record is stored."""
    one = withdrawal
    return withdraw(connection, organization_id, one.source_system, one.source_id, one.at, one.by)


def run_import(
    connect: Connect,
    organization_id: UUID,
    file: Path,
    profile: Profile | None,
    accept: Accept,
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    withdraw: Withdraw = note_withdrawal,
    language: str = "en",
    errors_to: Path | None = None,
    source_system: str = "",
) -> ImportResult:
    """Import a file and return what became of it; raises Refused or OSError before the first row.

    Without a profile the file is NDJSON in our own form, or a CSV file (`.csv`) or workbook whose
    columns carry our own names; it comes from `source_system` where the records name none. Bad rows
    go to `errors_to`, or to a file beside the source, in the source's format.
    """
    result = ImportResult(uuid4())
    is_csv = file.suffix.lower() == ".csv"
    with (
        file.open("rb") as stream,
        open_rows(stream, profile, source_system=source_system, is_csv=is_csv) as rows,
    ):
        profile, result.not_read = rows.profile, tuple(rows.not_read)
        with connect() as connection:
            builder = _builder(rows, profile, source_system, stream)
            staging = Staging(connection, organization_id, result.import_id)
            door = _Door(connection, organization_id, accept, withdraw)
            errors = ErrorsFile(file, errors_to, form_of(rows, language))
            with _autocommit(connection), errors:
                run = _Run(result, rows, builder, errors, door, progress, stream)
                staging.begin(file.name, profile.name if profile else "")
                try:
                    # Closed here: later, the cursor's connection may serve somebody else.
                    with closing(run.stage(staging) if builder.groups else run.read()) as claims:
                        run.deliver(claims)
                except BaseException:
                    # The reason is what matters; without a connection the next import clears up.
                    with suppress(psycopg.Error):
                        staging.end("broken", result.counts())
                    raise
                staging.end("finished", result.counts())
    return result


class _Run:
    """One pass over a file: rows to claims, claims to the door, bad rows to the errors file."""

    def __init__(
        self,
        result: ImportResult,
        rows: RowSource,
        builder: Builder,
        errors: ErrorsFile,
        door: "_Door",
        progress: Callable[[Progress], None],
        stream: IO[bytes],
    ) -> None:
        self._result = result
        self._rows = rows
        self._builder = builder
        self._errors = errors
        self._door = door
        self._progress = progress
        self._size = os.fstat(stream.fileno()).st_size

    def read(self) -> Generator[Iterable[Row]]:
        """Yield each row as a claim of its own."""
        for row in self._counted():
            yield [row]

    def stage(self, staging: Staging) -> Generator[Iterable[Row]]:
        """Keep all rows in the database, then yield the rows of each claim."""
        waiting: list[StagedRow] = []
        for row in self._counted():
            try:
                key = self._builder.key(row)
            except FieldError as fault:
                columns = self._builder.key_columns
                problem = Problem(fault.code, columns, params=fault.params)
                self._bad([row], [*_problems_of(row), RowProblem(row.number, columns, problem)])
                continue
            waiting.append(StagedRow(key, row.number, self._rows.staged(row), row.problems))
            if len(waiting) >= _STAGE_ROWS:
                staging.add(waiting)
                waiting = []
        if waiting:
            staging.add(waiting)
        with closing(staging.rows_by_claim()) as rows:
            for _, claim in groupby(rows, key=attrgetter("claim_key")):
                yield (self._rows.unstaged(row.number, row.data, row.problems) for row in claim)

    def deliver(self, claims: Iterator[Iterable[Row]]) -> None:
        """Build each claim and hand what is good over in batches."""
        done = 0
        for claim in claims:
            some = iter(claim)
            rows = list(islice(some, LINES_MAX))
            more = next(some, None)
            if more is not None:
                done += self._too_many(chain(rows, [more], some))
                continue
            done += len(rows)
            self._take(rows, self._builder.build(rows))
            if self._door.is_full:
                self._hand_over()
                if self._builder.groups:
                    self._progress(Progress("delivering", done, self._result.rows))
        self._hand_over()
        self._progress(Progress("delivering", self._result.rows, self._result.rows))

    def _counted(self) -> Iterator[Row]:
        for row in self._rows.rows():
            self._result.rows += 1
            if self._result.rows % _STAGE_ROWS == 0:
                self._progress(Progress("reading", self._rows.bytes_read(), self._size))
            yield row
        self._progress(Progress("reading", self._size, self._size))

    def _take(self, rows: list[Row], built: Built) -> None:
        result = self._result
        if isinstance(built, Record):
            self._door.add(built, rows)
        elif isinstance(built, NotApproved):
            result.not_approved += 1
        elif isinstance(built, Withdrawal):
            # In the order of the file: a revision approved after a withdrawal stays approved.
            self._hand_over()
            if self._door.withdraw(built) is None:
                result.withdrawn_unknown += 1
            else:
                result.withdrawn += 1
        else:
            result.bad += 1
            self._bad(rows, built)

    def _hand_over(self) -> None:
        for stored, rows in self._door.hand_over():
            name = stored.result
            setattr(self._result, name, getattr(self._result, name) + 1)
            if stored.problems:
                first = rows[0].number
                self._bad(rows, [RowProblem(first, "", problem) for problem in stored.problems])

    def _bad(self, rows: Iterable[Row], problems: Sequence[RowProblem]) -> None:
        """Write all rows of a claim; those without a problem are told which row keeps them out."""
        by_row: dict[int, list[RowProblem]] = {}
        for problem in problems:
            by_row.setdefault(problem.row, []).append(problem)
        for row in rows:
            self._result.bad_rows += 1
            self._errors.write(row, by_row.get(row.number, ()), problems[0].row)
        self._result.errors_file = self._errors.path
        self._result.problems.extend(problems[: _PROBLEMS_SHOWN - len(self._result.problems)])

    def _too_many(self, rows: Iterable[Row]) -> int:
        before = self._result.bad_rows
        several = iter(rows)
        first = next(several)
        params = {"maximum": str(LINES_MAX)}
        problem = RowProblem(first.number, "", Problem("claim_too_long", "lines", params=params))
        self._result.bad += 1
        self._bad(chain([first], several), [problem])
        return self._result.bad_rows - before


class _Door:
    """Collects records and hands them over in batches, each in a transaction of its own."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        organization_id: UUID,
        accept: Accept,
        withdraw: Withdraw,
    ) -> None:
        self._connection = connection
        self._organization = organization_id
        self._accept = accept
        self._withdraw = withdraw
        self._waiting: list[tuple[Record, list[Row]]] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Return whether the batch has reached its size."""
        return len(self._waiting) >= _BATCH_RECORDS or self._size >= _BATCH_CHARACTERS

    def add(self, record: Record, rows: list[Row]) -> None:
        """Put a record and the rows it came from into the batch."""
        self._waiting.append((record, rows))
        self._size += sum(len(row.original) + sum(map(len, row.cells)) for row in rows)

    def hand_over(self) -> list[tuple[Stored, list[Row]]]:
        """Deliver the batch and return what became of each record."""
        batch, self._waiting, self._size = self._waiting, [], 0
        if not batch:
            return []
        with organization_scope(self._connection, self._organization):
            records = [record for record, _ in batch]
            stored = self._accept(self._connection, self._organization, records)
        return list(zip(stored, (rows for _, rows in batch), strict=True))

    def withdraw(self, withdrawal: Withdrawal) -> object:
        """Pass a withdrawal on; returns None when no such record is stored."""
        with organization_scope(self._connection, self._organization):
            return self._withdraw(self._connection, self._organization, withdrawal)


@contextmanager
def _autocommit(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Each statement outside a tenant scope commits by itself, so that none holds the others."""
    before, connection.autocommit = connection.autocommit, True
    try:
        yield
    finally:
        if not connection.broken:
            connection.autocommit = before


def _builder(
    rows: RowSource, profile: Profile | None, source_system: str, stream: IO[bytes]
) -> Builder:
    today = utc_now().astimezone(ZONE).date()
    if profile is None:
        return RecordBuilder(source_system, today=today)
    modified = datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, ZONE).date()
    return ClaimBuilder(profile, rows.columns, today=today, file_day=modified)


def _problems_of(row: Row) -> list[RowProblem]:
    return [RowProblem(row.number, problem.field, problem) for problem in row.problems]
