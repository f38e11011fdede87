"""Many records as lines of JSON: each line is read, checked, stored and answered by itself.

Lines go to the store in sets, in their order; a withdrawal waits for the lines before it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from bilag.api.answers import LineAnswer, LinesAnswer, items
from bilag.core.problem import Problem
from bilag.core.record import Record
from bilag.delivery.accounting import AccountingExports
from bilag.records.fields import ZONE
from bilag.records.json_text import RECORD_BYTES_MAX, BadJson, parse_json
from bilag.records.validate import NotApproved, Validated, Withdrawal, validate

LINES_MAX = 100_000
LINES_BYTES_MAX = 64 * 1024 * 1024
SOURCE_SYSTEM = "app"

# A set is stored in one transaction; it is bounded in bytes too, since a line may be 1 MiB.
_SET_LINES = 500
_SET_BYTES = 4 * 1024 * 1024
# A few bytes of input can hold hundreds of faults: of a line so many are told, and once so many
# are told in all, one a line. The rest is counted in `moreProblems`.
_PROBLEMS_A_LINE = 20
_PROBLEMS_IN_ALL = 20_000


def validated(raw: Any) -> Validated:
    """Return what a JSON value is; a record that names no source system is the app's."""
    named = isinstance(raw, dict) and raw.get("sourceSystem")
    today = datetime.now(ZONE).date()
    return validate(raw, today=today, source_system="" if named else SOURCE_SYSTEM)


def take_lines(exports: AccountingExports, file: IO[bytes], language: str) -> LinesAnswer:
    """Take every line of a file of records and answer each; empty lines are skipped.

    What a set has stored stays stored when a later one fails; sending the file again is safe.
    """
    taking = _Taking(exports, language)
    for number, line in _lines(file):
        taking.take(number, line)
    taking.store()
    counts = Counter(answer.result for answer in taking.answers)
    taking.answers.sort(key=lambda answer: answer.line)
    return LinesAnswer(
        counts={"total": len(taking.answers), **dict(sorted(counts.items()))}, lines=taking.answers
    )


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the number and text of each line that is not empty, a too long one cut short."""
    number = 0
    while line := file.readline(RECORD_BYTES_MAX + 2):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(RECORD_BYTES_MAX)):
            pass
        if line.strip():
            yield number, line.rstrip(b"\r\n")


@dataclass(slots=True)
class _Taking:
    exports: AccountingExports
    language: str
    answers: list[LineAnswer] = field(default_factory=list)
    waiting: list[tuple[int, Record]] = field(default_factory=list)
    waiting_bytes: int = 0
    told: int = 0

    def take(self, number: int, line: bytes) -> None:
        try:
            found = validated(parse_json(line))
        except BadJson as error:
            found = [error.problem]
        match found:
            case Record():
                self.waiting.append((number, found))
                self.waiting_bytes += len(line)
                if len(self.waiting) >= _SET_LINES or self.waiting_bytes >= _SET_BYTES:
                    self.store()
            case Withdrawal():
                self.store()
                self._withdraw(number, found)
            case NotApproved():
                self._answer(number, "not_approved", found.source_id, problems=[found.problem()])
            case _:
                self._answer(number, "invalid", found[0].record, problems=found)

    def store(self) -> None:
        """Store the records that wait and answer their lines."""
        if not self.waiting:
            return
        stored = self.exports.accept_records([record for _, record in self.waiting])
        for (number, _), one in zip(self.waiting, stored, strict=True):
            self._answer(
                number, one.result, one.source_id, list(one.problems),
                revision=one.revision, record_id=one.record_id,
            )  # fmt: skip
        self.waiting.clear()
        self.waiting_bytes = 0

    def _withdraw(self, number: int, found: Withdrawal) -> None:
        counts = self.exports.withdraw_approval(
            found.source_system, found.source_id, found.at, found.by
        )
        if counts is None:
            problem = Problem("resource_unknown", "sourceId", None, found.source_id)
            self._answer(number, "not_found", found.source_id, [problem])
        else:
            self._answer(number, "withdrawn", found.source_id)

    def _answer(
        self,
        number: int,
        result: str,
        source_id: str,
        problems: list[Problem] | None = None,
        **stored: Any,
    ) -> None:
        most = _PROBLEMS_A_LINE if self.told < _PROBLEMS_IN_ALL else 1
        listed = (problems or [])[:most]
        self.told += len(listed)
        more = len(problems or []) - len(listed)
        self.answers.append(
            LineAnswer(
                line=number,
                result=result,
                source_id=source_id or None,
                problems=items(listed, self.language) or None,
                more_problems=more or None,
                **stored,
            )
        )
