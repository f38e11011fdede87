"""Reads what the system answered to a voucher and says which outcome that is.

Only what the settings call proof counts as accepted; what nobody classified is Unknown.
"""

import re

import orjson

from bilag.connectors.faults import status_problem
from bilag.connectors.http import HttpAnswer, retry_after_seconds
from bilag.connectors.redact import Redactor
from bilag.connectors.rest.pointer import MISSING, Pointer, compile_pointer, text_at, value_at
from bilag.connectors.rest.settings import Booked, Errors, Names, RestSettings
from bilag.core.outcome import (
    Accepted,
    Evidence,
    Misconfigured,
    Outcome,
    Rejected,
    RetryLater,
    Unknown,
)
from bilag.core.problem import Problem

MESSAGE_CHARACTERS_MAX = 500
SENTENCE_CHARACTERS_MAX = 200
NOT_REFUSED = frozenset({401, 403, 404, 405, 407, 408, 409, 425, 429})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Proof:
    """A field that has to be there, or to have a certain value."""

    def __init__(self, pointer: str, equals: str) -> None:
        self.pointer = compile_pointer(pointer)
        self.asked = bool(pointer)
        self._equals = equals

    @classmethod
    def of(cls, booked: Booked) -> "Proof":
        """Return the proof that a voucher is booked."""
        return cls(booked.pointer, booked.equals)

    def holds(self, document: object) -> bool:
        """Return whether the document shows it; an empty value asks for anything but null."""
        if not self.asked:
            return True
        if self._equals:
            return text_at(document, self.pointer) == self._equals
        return value_at(document, self.pointer) not in (MISSING, None)


class Answers:
    """The rules of one integration, read once from its settings."""

    def __init__(self, settings: RestSettings, redact: Redactor, url: str) -> None:
        success = settings.success
        self._redact = redact
        self._url = url
        self._success = frozenset(success.statuses)
        self._empty = success.answer == "empty"
        self._proof = Proof(success.pointer, success.equals)
        self._external = compile_pointer(success.external_reference)
        self._voucher_number = compile_pointer(success.voucher_number)
        self._booked = Proof.of(success.booked)
        self._refused = frozenset(settings.errors.rejected_statuses)
        self._conflict_rejects = settings.conflict_means == "rejected"
        self._refusals = Refusals(settings.errors, settings.body.names)

    def outcome(self, answer: HttpAnswer, reference: str) -> Outcome:
        """Return the outcome of one voucher; a login that was refused is Misconfigured here."""
        status = answer.status
        evidence = Evidence(status, answer.excerpt(self._redact), answer.duration_ms)
        if status in self._success:
            return self._accepted(answer, reference, evidence)
        if self._is_refusal(status):
            return self._refusals.rejected(read_json(answer.body), self._redact, evidence)
        problem = status_problem(answer, self._url)
        if status in (401, 403, 404, 405, 407):
            return Misconfigured(problem.text(), evidence, problem)
        if status in (408, 425, 429):
            return RetryLater(
                problem.text(),
                after_seconds=retry_after_seconds(answer.headers),
                pauses=status == 429,
                evidence=evidence,
                problem=problem,
            )
        # A 4xx means that the system works; 5xx and redirects feed the circuit breaker.
        return Unknown(
            problem.text(), transport=not 400 <= status < 500, evidence=evidence, problem=problem
        )

    def _is_refusal(self, status: int) -> bool:
        if status == 409 and self._conflict_rejects:
            return True
        if self._refused:
            return status in self._refused
        return 400 <= status < 500 and status not in NOT_REFUSED

    def _accepted(self, answer: HttpAnswer, reference: str, evidence: Evidence) -> Outcome:
        if self._empty:
            if answer.body.strip():
                return _unproven(evidence, "HTTP 204")
            return Accepted(reference, evidence=evidence)
        document = read_json(answer.body)
        if document is MISSING:
            return _unproven(evidence, "JSON")
        if not self._proof.holds(document):
            return _unproven(evidence, "/" + "/".join(self._proof.pointer))
        external = text_at(document, self._external) if self._external else reference
        if not external:
            return _unproven(evidence, "/" + "/".join(self._external))
        return Accepted(
            external,
            text_at(document, self._voucher_number) if self._voucher_number else "",
            booked=self._booked.holds(document),
            evidence=evidence,
        )


class Refusals:
    """Finds message, field and line in a refusal, in whichever form the system gives them."""

    def __init__(self, errors: Errors, names: Names) -> None:
        self._messages = tuple(map(compile_pointer, errors.message))
        self._fields = tuple(map(compile_pointer, errors.field))
        self._lines = tuple(map(compile_pointer, errors.line))
        self._by_field = compile_pointer(errors.by_field)
        self._first_line = errors.lines_counted_from
        self._sentences = tuple(map(_sentence_pattern, errors.sentences))
        self._ours = _field_table(names) | {
            _plain(theirs): ours for theirs, ours in errors.field_names.items()
        }

    def rejected(self, document: object, redact: Redactor, evidence: Evidence) -> Rejected:
        """Return the refusal; without a readable message the answer itself is the message."""
        message = self._first(document, self._messages)
        field = self._first(document, self._fields)
        line = _whole_number(self._first(document, self._lines))
        by_field = value_at(document, self._by_field) if self._by_field else MISSING
        if not field and isinstance(by_field, dict) and by_field:
            field = str(next(iter(by_field)))
            message = text_at(by_field, (field,)) or message
        message = redact(message or evidence.answer or f"HTTP {evidence.http_status}")
        message = message[:MESSAGE_CHARACTERS_MAX]
        index = re.search(r"(?:\[|[./]|^)(\d{1,9})(?=[\].:/]|$)", field)
        if line is None and index:
            line = int(index[1])
        if line is not None:
            line = line + 1 - self._first_line
        if not field:
            field, spoken_line = self._spoken(message)
            line = spoken_line if line is None else line
        return Rejected(message, redact(self._our_name(field))[:100], line, evidence)

    def _first(self, document: object, pointers: tuple[Pointer, ...]) -> str:
        return next(filter(None, (text_at(document, pointer) for pointer in pointers)), "")

    def _spoken(self, message: str) -> tuple[str, int | None]:
        for pattern in self._sentences:
            if found := pattern.search(message[:SENTENCE_CHARACTERS_MAX]):
                named = found.groupdict()
                return named.get("field") or "", _whole_number(named.get("line") or "")
        return "", None

    def _our_name(self, named: str) -> str:
        without_index = re.sub(r"\[?\b\d+\b\]?", "", named)
        parts = [part for part in re.split(r"[./\[\]$:]+", without_index) if part]
        last = parts[-1].strip() if parts else ""
        return self._ours.get(_plain(without_index)) or self._ours.get(_plain(last)) or last


def read_json(body: bytes) -> object:
    """Return the parsed answer, or MISSING when it is not JSON."""
    try:
        return orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        return MISSING


def _unproven(evidence: Evidence, missing: str) -> Unknown:
    problem = Problem(
        "connector.success_unproven",
        params={"status": str(evidence.http_status), "missing": missing},
    )
    return Unknown(problem.text(), evidence=evidence, problem=problem)


# What systems call our fields in their messages, whatever the field is called in the body.
_SPOKEN_NAMES = {
    "costcenter": "cost_centre",
    "department": "cost_centre",
    "ledgeraccount": "account",
    "glaccount": "account",
    "accountnumber": "account",
    "vat": "vat_code",
    "taxcode": "vat_code",
    "date": "posting_date",
    "voucherdate": "posting_date",
    "description": "text",
    "supplier": "party",
    "employee": "party",
}


def _field_table(names: Names) -> dict[str, str]:
    table = dict(_SPOKEN_NAMES)
    for ours, theirs in names.model_dump().items():
        ours = "text" if ours == "line_text" else ours
        table[_plain(ours)] = ours
        if theirs:
            table[_plain(theirs)] = ours
    return table


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _sentence_pattern(sentence: str) -> re.Pattern[str]:
    """Compile `Invalid {field} code: {value}`: each placeholder once, so that it ends quickly."""
    parts = re.split(r"\{(field|value|line)\}", sentence)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = (
        r"(?P<line>\d{1,6})" if name == "line" else rf"(?P<{name}>.{{1,60}}?)"
        for name in parts[1::2]
    )
    return re.compile("".join(parts) + r"(?!\w)", re.IGNORECASE)


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
