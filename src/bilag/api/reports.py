"""/control-report and /wages: where a period's records stand (O8), and who was paid what (I9).

The reports are those of `bilag.monitoring`; a control report that is made is kept in the audit
chain, asking for one leaves nothing.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router

from bilag.api.answers import CountAndSum, answer
from bilag.api.auth import EXPORTS_READ, EXPORTS_WRITE, caller_of
from bilag.api.documents import READ_ERRORS, WRITE_ERRORS
from bilag.api.once import once
from bilag.api.problems import ApiProblem
from bilag.api.values import Amount, Answer, Moment, Request, TargetSystem
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.delivery.installation import tenant
from bilag.integrations.model import Day
from bilag.monitoring.control import ControlReport, Sum, control_report, make_report, period_of
from bilag.monitoring.wages import (
    PayrollLine,
    PersonWages,
    YearOfWages,
    payroll_list,
    persons_of_year,
    wages_of_year,
)

PERSONS_MAX = 200
Nearness = Literal["over", "near"]

router = Router(tags=["reports"], by_alias=True)


class ControlReportRequest(Request):
    """A book and the days on which records were approved, in Oslo, both included."""

    book: TargetSystem
    from_: Day = Field(alias="from")
    to: Day


class CurrencyAnswer(Answer):
    """The sum rule in one currency: approved = the sum of all states; `difference` is zero."""

    currency: str
    approved: CountAndSum
    states: dict[str, CountAndSum]
    difference: CountAndSum
    without_export: int = Field(
        description="Approved records without any export: none, or a fault."
    )
    forced: dict[str, CountAndSum] = Field(description="Apart from the sum rule.")
    reversals: dict[str, CountAndSum] = Field(description="Apart from the sum rule.")


class ControlReportAnswer(Answer):
    """Where the records that were approved in a period stand; `hash` is SHA-256 of what it says."""

    book: str
    book_name: str
    from_: date = Field(serialization_alias="from")
    to: date
    basis: Literal["approved"] = "approved"
    balances: bool
    totals: list[CurrencyAnswer]
    hash: str
    id: int | None = Field(None, description="Of a report that was made.")
    made_at: Moment | None = None

    @classmethod
    def of(cls, report: ControlReport) -> "ControlReportAnswer":
        return cls(
            book=report.book,
            book_name=report.book_name,
            from_=report.first,
            to=report.last,
            balances=report.balances,
            hash=report.hash,
            totals=[
                CurrencyAnswer(
                    currency=one.currency,
                    approved=_sum(one.approved),
                    states=_sums(one.states),
                    difference=_sum(one.difference),
                    without_export=one.without_export,
                    forced=_sums(one.forced),
                    reversals=_sums(one.reversals),
                )
                for one in report.sums
            ],
        )


class LimitsAnswer(Answer):
    """The limits of a year, in NOK."""

    pay_tax_free: Amount
    reimbursements_reported: Amount
    person_contributions: Amount
    organization_contributions: Amount


class PersonAnswer(Answer):
    """One person's year; `limits` names those that are near or passed."""

    claimant_id: str
    name: str
    payments: int
    pay: Amount
    kilometres: Amount
    mileage_tax_free: Amount
    mileage_taxable: Amount
    reimbursements: Amount
    unclear: int = Field(description="Mileage claims without kilometres, counted as reimbursed.")
    other_currencies: int
    limits: dict[str, Nearness]

    @classmethod
    def of(cls, one: PersonWages, year: YearOfWages) -> "PersonAnswer":
        return cls(
            claimant_id=one.claimant_id,
            name=one.name,
            payments=one.payments,
            pay=amount_text(one.pay),
            kilometres=amount_text(one.kilometres),
            mileage_tax_free=amount_text(one.mileage_tax_free),
            mileage_taxable=amount_text(one.mileage_taxable),
            reimbursements=amount_text(one.reimbursements),
            unclear=one.unclear,
            other_currencies=one.other_currencies,
            limits={name: how for name, how in year.limits.of(one).items() if how},
        )


class WagesAnswer(Answer):
    """An organization's year, and a page of its persons, the highest pay first."""

    year: int
    limits: LimitsAnswer
    person_count: int
    pay: Amount
    mileage_taxable: Amount
    to_be_reported: int = Field(description="Persons above the limit of tax-free pay.")
    organization_limit: Nearness | None = None
    persons: list[PersonAnswer]
    next: str | None = None


class PayrollLineAnswer(Answer):
    """One line for payroll."""

    claimant_id: str
    name: str
    income_code: str
    taxable: bool
    count: Amount | None = None
    unit: Literal["payments", "km"] | None = None
    amount: Amount
    to_be_reported: bool

    @classmethod
    def of(cls, one: PayrollLine) -> "PayrollLineAnswer":
        return cls.model_validate(
            {
                "claimant_id": one.claimant_id,
                "name": one.name,
                "income_code": one.income_code,
                "taxable": one.taxable,
                "count": None if one.count is None else amount_text(one.count),
                "unit": one.unit or None,
                "amount": amount_text(one.amount),
                "to_be_reported": one.to_be_reported,
            }
        )


class PayrollAnswer(Answer):
    """The payroll list of a year."""

    year: int
    lines: list[PayrollLineAnswer]


Year = Annotated[int, Query(ge=2000, le=2999, examples=[2026])]


@router.get(
    "/control-report",
    auth=EXPORTS_READ,
    response={200: ControlReportAnswer, **READ_ERRORS},
    summary="Where a period's records stand",
)
def get_control_report(request: HttpRequest, asked: Query[ControlReportRequest]) -> HttpResponse:
    """As of now; a record belongs to the period in which it was approved."""
    own = caller_of(request).organization_id
    with tenant(own) as connection:
        period = period_of(connection, own, asked.book, asked.from_, asked.to)
        report = control_report(connection, own, period)
    return answer(200, ControlReportAnswer.of(report))


@router.post(
    "/control-report",
    auth=EXPORTS_WRITE,
    response={201: ControlReportAnswer, **WRITE_ERRORS},
    summary="Make a control report",
)
@once
def post_control_report(request: HttpRequest, body: ControlReportRequest) -> HttpResponse:
    """The same, kept with its hash in the audit chain."""
    caller = caller_of(request)
    own = caller.organization_id
    with tenant(own) as connection:
        period = period_of(connection, own, body.book, body.from_, body.to)
        made = make_report(connection, own, period, actor=caller.actor)
    said = ControlReportAnswer.of(made.report)
    said.id, said.made_at = made.id, made.at
    return answer(201, said)


@router.get(
    "/wages",
    auth=EXPORTS_READ,
    response={200: WagesAnswer, **READ_ERRORS},
    summary="Pay, mileage and reimbursements of a year",
)
def get_wages(
    request: HttpRequest,
    year: Year,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1, le=PERSONS_MAX)] = 50,
) -> HttpResponse:
    """By person and calendar year of the approval, with the limits that are near or passed."""
    own, after = caller_of(request).organization_id, _after(cursor)
    with tenant(own) as connection:
        found = wages_of_year(connection, own, year)
        persons = persons_of_year(connection, year, after=after, limit=limit + 1)
    shown, following = persons[:limit], None
    if len(persons) > len(shown):
        place = f"{shown[-1].basis} {shown[-1].claimant_id}"
        text = base64.urlsafe_b64encode(place.encode()).decode()
        following = f"{request.path}?year={year}&limit={limit}&cursor={text}"
    limits = found.limits
    return answer(
        200,
        WagesAnswer(
            year=year,
            limits=LimitsAnswer(
                pay_tax_free=amount_text(limits.pay_tax_free),
                reimbursements_reported=amount_text(limits.reimbursements_reported),
                person_contributions=amount_text(limits.person_contributions),
                organization_contributions=amount_text(limits.organization_contributions),
            ),
            person_count=found.persons,
            pay=amount_text(found.pay),
            mileage_taxable=amount_text(found.mileage_taxable),
            to_be_reported=found.to_be_reported,
            organization_limit=found.nearness or None,
            persons=[PersonAnswer.of(one, found) for one in shown],
            next=following,
        ),
    )


@router.get(
    "/wages/payroll-list",
    auth=EXPORTS_READ,
    response={200: PayrollAnswer, **READ_ERRORS},
    summary="The payroll list of a year",
)
def get_payroll_list(request: HttpRequest, year: Year) -> HttpResponse:
    """Income code, count and amount of everybody who was paid; no identity number, ever."""
    own = caller_of(request).organization_id
    with tenant(own) as connection:
        lines = payroll_list(connection, own, year)
    return answer(200, PayrollAnswer(year=year, lines=[PayrollLineAnswer.of(one) for one in lines]))


def _after(cursor: str | None) -> tuple[Decimal, str] | None:
    if cursor is None:
        return None
    try:
        basis, _, claimant = (
            base64.urlsafe_b64decode(cursor.encode("ascii")).decode().partition(" ")
        )
        amount = Decimal(basis)
    except (binascii.Error, ValueError, InvalidOperation) as error:
        raise ApiProblem(422, Problem("cursor_not_valid", "cursor")) from error
    if not amount.is_finite() or abs(amount) > 10**15 or "\x00" in claimant:
        raise ApiProblem(422, Problem("cursor_not_valid", "cursor"))
    return amount, claimant


def _sums(found: Mapping[str, Sum]) -> dict[str, CountAndSum]:
    return {state: _sum(one) for state, one in found.items()}


def _sum(found: Sum) -> CountAndSum:
    return CountAndSum(count=found[0], amount=amount_text(found[1]))
