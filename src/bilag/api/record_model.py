"""The JSON form of a record as models, for the OpenAPI document only.

What is taken is decided by `bilag.records.validate`; a test compares the names in both.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from bilag.api.values import Request
from bilag.core.money import CURRENCIES
from bilag.records.fields import (
    CODE_MAX,
    COUNT_MAX,
    EXTRA_MAX,
    ID_MAX,
    LINES_MAX,
    REVISION_MAX,
    TEXT_MAX,
)

_AMOUNT = r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$"
_DATE = {"type": "string", "format": "date", "examples": ["2026-10-05"]}
_MOMENT = {"type": "string", "format": "date-time", "examples": ["2026-11-02T09:30:00Z"]}


def _text(maximum: int, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": maximum, **more}


def _decimal(description: str) -> dict[str, Any]:
    text = {"type": "string", "pattern": _AMOUNT}
    return {"anyOf": [text, {"type": "number"}], "description": description, "examples": ["249.50"]}


Id = Annotated[str, WithJsonSchema(_text(ID_MAX, minLength=1))]
Code = Annotated[str, WithJsonSchema(_text(CODE_MAX))]
Name = Annotated[str, WithJsonSchema(_text(TEXT_MAX, minLength=1))]
Text = Annotated[str, WithJsonSchema(_text(TEXT_MAX))]
Date = Annotated[str, WithJsonSchema(_DATE)]
Moment = Annotated[str, WithJsonSchema(_MOMENT)]
Amount = Annotated[
    str,
    WithJsonSchema(_decimal("At most 15 digits and 4 decimals; taken exactly, never as float.")),
]
Rate = Annotated[str, WithJsonSchema(_decimal("Book currency per unit; at most 10 decimals."))]
Currency = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(CURRENCIES)})]


class Claimant(Request):
    """Who the money goes to, by the app's own id; never a national identity number."""

    id: Id | None = None
    name: Text | None = None


class Line(Request):
    """One cost, gross in the record's currency."""

    date: Date
    type: Id
    amount: Amount
    text: Text | None = None
    quantity: Amount | None = None
    unit: Code | None = None
    rate: Amount | None = None
    vat_code: Code | None = None
    cost_centre: Code | None = None
    project: Code | None = None
    book_amount: Amount | None = None


class Receipt(Request):
    """Evidence of a cost."""

    id: Id
    file_name: Text | None = None
    url: Annotated[str, WithJsonSchema(_text(TEXT_MAX, format="uri"))] | None = None
    sha256: (
        Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})] | None
    ) = None


class Declaration(Request):
    """Evidence that a driver acknowledged the organization's confidentiality declaration."""

    template_id: Id
    version: Code
    acknowledged_at: Moment


class ApprovedRecord(Request):
    """An approved claim or activity record; the same `sourceId` again is the same record."""

    source_system: Code = "app"
    source_id: Id
    status: Literal["approved", "paid"] = "approved"
    revision: int = Field(1, ge=1, le=REVISION_MAX)
    category: Literal["expense", "mileage", "honorarium", "activity"]
    currency: Currency
    claimant: Claimant | None = None
    approved_by: Name
    approved_at: Moment
    created_at: Moment | None = None
    lines: list[Line] | None = Field(
        None, max_length=LINES_MAX, description="At least one, but for the category activity."
    )
    receipts: list[Receipt] | None = Field(None, max_length=LINES_MAX)
    declaration: Declaration | None = None
    extra: dict[str, Text] | None = Field(None, max_length=EXTRA_MAX)
    text: Text | None = None
    total: Amount | None = Field(None, description="Checked against the sum of the lines.")
    cost_centre: Code | None = None
    project: Code | None = None
    paid: bool | None = None
    exchange_rate: Rate | None = None
    exchange_rate_date: Date | None = None
    participants: int | None = Field(None, ge=0, le=COUNT_MAX)
    hours: Amount | None = None


class WithdrawnRecord(Request):
    """The approval of a record was taken back; whatever else the record holds is not read."""

    source_system: Code = "app"
    source_id: Id
    status: Literal["withdrawn"]
    withdrawn_at: Moment | None = None
    withdrawn_by: Text | None = None


EXAMPLE: dict[str, Any] = {
    "sourceId": "C000017",
    "category": "expense",
    "currency": "NOK",
    "claimant": {"id": "V017", "name": "Volunteer 017"},
    "approvedBy": "coordinator-3",
    "approvedAt": "2026-11-02T09:30:00Z",
    "text": "Visit to a member",
    "lines": [
        {"date": "2026-10-05", "type": "travel", "amount": "249.50", "text": "Bus"},
        {"date": "2026-10-05", "type": "meal", "amount": "100", "text": "Lunch"},
    ],
}
