"""An approved record as it is kept: an expense claim, a mileage claim, an honorarium, an activity.

Records are immutable; `as_content` gives the one JSON form that is stored, compared and hashed.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from bilag.core.money import amount_text

CATEGORIES = ("expense", "mileage", "honorarium", "activity")


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One cost: amount gross in the record's currency, `type` the app's expense type."""

    date: date
    type: str
    amount: Decimal
    text: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    rate: Decimal | None = None
    vat_code: str = ""
    cost_centre: str = ""
    project: str = ""
    book_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Evidence of a cost: the app's own id, and where it can be fetched, if anywhere."""

    id: str
    file_name: str = ""
    url: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """Evidence that a driver acknowledged the organization's confidentiality declaration (I8)."""

    template_id: str
    version: str
    acknowledged_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One approved record in one revision; `total` is the sum of its lines.

    `exchange_rate` (book currency per unit of `currency`) and its date come from the app.
    """

    source_system: str
    source_id: str
    revision: int
    category: str
    currency: str
    claimant_id: str
    approved_by: str
    approved_at: datetime
    lines: tuple[RecordLine, ...]
    text: str = ""
    claimant_name: str = ""
    created_at: datetime | None = None
    cost_centre: str = ""
    project: str = ""
    paid: bool = False
    exchange_rate: Decimal | None = None
    exchange_rate_date: date | None = None
    receipts: tuple[Receipt, ...] = ()
    declaration: Declaration | None = None
    participants: int | None = None
    hours: Decimal | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """Return the sum of the lines in the record's currency."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def first_cost_date(self) -> date:
        """Return the earliest date of a line (the approval date for a record without lines)."""
        return min((line.date for line in self.lines), default=self.approved_at.date())

    @property
    def last_cost_date(self) -> date:
        """Return the latest date of a line (the approval date for a record without lines)."""
        return max((line.date for line in self.lines), default=self.approved_at.date())

    def as_content(self) -> dict[str, Any]:
        """Return the stored JSON form: camelCase, empty fields left out, amounts as strings."""
        content: dict[str, Any] = {
            "sourceSystem": self.source_system,
            "sourceId": self.source_id,
            "revision": self.revision,
            "category": self.category,
            "currency": self.currency,
            "claimant": _filled({"id": self.claimant_id, "name": self.claimant_name}),
            "approvedBy": self.approved_by,
            "approvedAt": self.approved_at.isoformat(),
            "lines": [_line_content(line) for line in self.lines],
            "text": self.text,
            "createdAt": self.created_at.isoformat() if self.created_at else None,
            "costCentre": self.cost_centre,
            "project": self.project,
            "paid": self.paid or None,
            "exchangeRate": _text(self.exchange_rate),
            "exchangeRateDate": _text(self.exchange_rate_date),
            "receipts": [
                _filled({"id": r.id, "fileName": r.file_name, "url": r.url, "sha256": r.sha256})
                for r in self.receipts
            ],
            "declaration": self.declaration
            and {
                "templateId": self.declaration.template_id,
                "version": self.declaration.version,
                "acknowledgedAt": self.declaration.acknowledged_at.isoformat(),
            },
            "participants": self.participants,
            "hours": _text(self.hours),
            "extra": dict(sorted(self.extra.items())),
        }
        return _filled(content)

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "Record":
        """Rebuild a record from its stored form; the form is ours and trusted, not validated."""
        declaration = content.get("declaration")
        claimant = content.get("claimant") or {}
        return cls(
            source_system=content["sourceSystem"],
            source_id=content["sourceId"],
            revision=content["revision"],
            category=content["category"],
            currency=content["currency"],
            claimant_id=claimant.get("id", ""),
            claimant_name=claimant.get("name", ""),
            approved_by=content.get("approvedBy", ""),
            approved_at=datetime.fromisoformat(content["approvedAt"]),
            lines=tuple(_line(value) for value in content.get("lines", ())),
            text=content.get("text", ""),
            created_at=_moment(content.get("createdAt")),
            cost_centre=content.get("costCentre", ""),
            project=content.get("project", ""),
            paid=bool(content.get("paid")),
            exchange_rate=_decimal(content.get("exchangeRate")),
            exchange_rate_date=_date(content.get("exchangeRateDate")),
            receipts=tuple(
                Receipt(r["id"], r.get("fileName", ""), r.get("url", ""), r.get("sha256", ""))
                for r in content.get("receipts", ())
            ),
            declaration=declaration
            and Declaration(
                declaration["templateId"],
                declaration["version"],
                datetime.fromisoformat(declaration["acknowledgedAt"]),
            ),
            participants=content.get("participants"),
            hours=_decimal(content.get("hours")),
            extra=content.get("extra", {}),
        )


def content_hash(content: dict[str, Any]) -> bytes:
    """Return SHA-256 over the sorted JSON of a stored form: equal content, equal 32 bytes."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def _line_content(line: RecordLine) -> dict[str, Any]:
    return _filled(
        {
            "date": line.date.isoformat(),
            "type": line.type,
            "amount": amount_text(line.amount),
            "text": line.text,
            "quantity": _text(line.quantity),
            "unit": line.unit,
            "rate": _text(line.rate),
            "vatCode": line.vat_code,
            "costCentre": line.cost_centre,
            "project": line.project,
            "bookAmount": _text(line.book_amount),
        }
    )


def _line(value: dict[str, Any]) -> RecordLine:
    return RecordLine(
        date=date.fromisoformat(value["date"]),
        type=value.get("type", ""),
        amount=Decimal(value["amount"]),
        text=value.get("text", ""),
        quantity=_decimal(value.get("quantity")),
        unit=value.get("unit", ""),
        rate=_decimal(value.get("rate")),
        vat_code=value.get("vatCode", ""),
        cost_centre=value.get("costCentre", ""),
        project=value.get("project", ""),
        book_amount=_decimal(value.get("bookAmount")),
    )


def _filled(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value not in (None, "", [], {})}


def _text(value: Decimal | date | None) -> str | None:
    if value is None:
        return None
    return amount_text(value) if isinstance(value, Decimal) else value.isoformat()


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _date(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
