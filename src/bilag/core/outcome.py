"""What an accounting system did with what we sent, and what it knows about our reference.

What nobody classified is Unknown: it may have been posted, and is looked up, never sent blindly.
`message` is English, for logs; `problem`, where there is one, says it in the reader's language.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from bilag.core.problem import Problem

# The problem of a check that passed without using the login.
LOGIN_NOT_TRIED = "connector.check_login_unproven"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen on the wire, with secrets stripped; `answer` is at most 4,000 characters."""

    http_status: int | None = None
    answer: str = ""
    duration_ms: int = 0


NOTHING_SEEN = Evidence()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The system took the document; `booked` is false while it stands in a queue of its own."""

    external_reference: str
    voucher_number: str = ""
    booked: bool = True
    message: str = ""
    evidence: Evidence = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class Rejected:
    """The system refused the document and posted nothing; a person must change something.

    `field` is the field it named in our words where we know it (`cost_centre`), `line` from 1.
    """

    message: str
    field: str = ""
    line: int | None = None
    evidence: Evidence = NOTHING_SEEN
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Certainly not posted (refused connection, 429, never written); `transport` feeds the breaker.

    `after_seconds` is the system's own wish; `pauses` holds back the whole integration that long.
    """

    message: str
    after_seconds: float | None = None
    transport: bool = False
    pauses: bool = False
    evidence: Evidence = NOTHING_SEEN
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been posted: lost answer, 5xx on a write, unreadable, anything unclassified."""

    message: str
    transport: bool = True
    evidence: Evidence = NOTHING_SEEN
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Not posted, and no record is to blame: credentials, URL, company. Stops the integration."""

    message: str
    evidence: Evidence = NOTHING_SEEN
    problem: Problem | None = None


Outcome = Accepted | Rejected | RetryLater | Unknown | Misconfigured


@dataclass(frozen=True, slots=True)
class PostedLine:
    """One line as the ledger holds it, debit positive; compared in a reconciliation (E13)."""

    account: str
    amount: Decimal
    cost_centre: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """The reference stands in the ledger; more than one hit means that it was posted twice.

    `amount` is the sum of the debit lines; `lines` and `reversed_by` where the system can say.
    """

    external_reference: str
    voucher_number: str = ""
    amount: Decimal | None = None
    hits: int = 1
    evidence: Evidence = NOTHING_SEEN
    lines: tuple[PostedLine, ...] = ()
    reversed_by: str = ""


@dataclass(frozen=True, slots=True)
class Staged:
    """The reference stands in a journal or import queue, not in the ledger."""

    external_reference: str
    evidence: Evidence = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class BookingRefused:
    """The system took the document, then refused to book it; it lies there with an error.

    `message` is the system's own text; `field` and `line` as in Rejected.
    """

    external_reference: str
    message: str
    field: str = ""
    line: int | None = None
    evidence: Evidence = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class Absent:
    """The system answered, and does not know the reference."""

    evidence: Evidence = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The look-up failed or its answer was unreadable; nothing may be decided on it."""

    message: str
    evidence: Evidence = NOTHING_SEEN
    problem: Problem | None = None


Found = Posted | Staged | BookingRefused | Absent | CannotTell


@dataclass(frozen=True, slots=True)
class Discarded:
    """What was staged of a submission is gone, and nothing of it can be posted any more."""

    evidence: Evidence = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class ReferenceItem:
    """One entry of master data; `usable` is false for what the system would refuse to post to."""

    kind: str
    code: str
    name: str
    id: str = ""
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Company:
    """The company of the accounting system that the credentials lead to, by the system's own id."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What a check found out, without writing anything: company, proof of look-up, what to do.

    `look_up_proven`: a reference known to exist was found, and a made-up one was not.
    """

    ok: bool
    message: str
    company_id: str = ""
    company_name: str = ""
    look_up_proven: bool = False
    details: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    @property
    def login_tried(self) -> bool:
        """Return whether the login was used: an address can answer without it."""
        return self.problem is None or self.problem.code != LOGIN_NOT_TRIED
