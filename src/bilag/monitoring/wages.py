"""Wages (I9): what each person was paid in a calendar year, and how near that is to the limits.

A year's records are those approved in it, by Oslo's days, in their newest revision; what was
withdrawn does not count. Money is NOK; records in other currencies are counted apart.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.money import AmountError, parse_amount
from bilag.core.problem import Problem, Refused
from bilag.exports.audit import record_change
from bilag.mapping.dates import TIME_ZONE
from bilag.monitoring.settings import read_settings

# What an employer reports of a car (a-melding); the code of pay is the organization's choice.
MILEAGE_CODE = "kilometergodtgjoerelseBil"
KINDS = ("mileage_tax_free", "pay_tax_free", "reimbursements_reported", "person_contributions",
         "organization_contributions")  # fmt: skip
Nearness = Literal["over", "near", ""]
_YEARS = range(2000, 3000)


@dataclass(frozen=True, slots=True)
class PersonWages:
    """One person's year: pay, mileage (taxable above the tax-free rate), and reimbursements.

    `unclear` are mileage claims that name no kilometres: their sums count as reimbursements.
    """

    claimant_id: str
    name: str
    payments: int
    pay: Decimal
    kilometres: Decimal
    mileage_tax_free: Decimal
    mileage_taxable: Decimal
    reimbursements: Decimal
    unclear: int
    other_currencies: int

    @property
    def basis(self) -> Decimal:
        """Return what counts towards the limits of pay: pay and taxable mileage."""
        return self.pay + self.mileage_taxable


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a year, in NOK, and from which share of one on it is near."""

    pay_tax_free: Decimal
    reimbursements_reported: Decimal
    person_contributions: Decimal
    organization_contributions: Decimal
    warning_percent: int

    def near(self, amount: Decimal, limit: Decimal) -> Nearness:
        """Return whether an amount is over a limit, near it, or neither."""
        if amount > limit:
            return "over"
        return "near" if amount * 100 >= limit * self.warning_percent and amount else ""

    def of(self, person: PersonWages) -> dict[str, Nearness]:
        """Return how near a person is to each limit of persons."""
        return {
            "pay_tax_free": self.near(person.basis, self.pay_tax_free),
            "person_contributions": self.near(person.basis, self.person_contributions),
            "reimbursements_reported": self.near(
                person.reimbursements, self.reimbursements_reported
            ),
        }


@dataclass(frozen=True, slots=True)
class YearOfWages:
    """An organization's year: sums of all persons, how near they are to its limit, and the limits.

    `to_be_reported` is how many persons are above the limit of tax-free pay.
    """

    year: int
    limits: Limits
    persons: int
    pay: Decimal
    mileage_taxable: Decimal
    to_be_reported: int
    nearness: Nearness


@dataclass(frozen=True, slots=True)
class PayrollLine:
    """One line for payroll: the income code, how many payments or kilometres, and the amount."""

    claimant_id: str
    name: str
    income_code: str
    taxable: bool
    count: Decimal | None
    unit: str
    amount: Decimal
    to_be_reported: bool


# The rate of a day: the organization's own, where it has one, else that of the law.
_RATE = """coalesce(
    (SELECT o.amount FROM organization_wage_rates o WHERE o.organization_id = current_organization()
       AND o.kind = {kind} AND o.valid_from <= {day} ORDER BY o.valid_from DESC LIMIT 1),
    (SELECT w.amount FROM wage_rates w WHERE w.kind = {kind} AND w.valid_from <= {day}
     ORDER BY w.valid_from DESC LIMIT 1), 0)"""

_TAX_FREE = _RATE.format(kind="'mileage_tax_free'", day="l.day")

_PERSONS = f"""
WITH counted AS MATERIALIZED (
    SELECT r.id, r.claimant_id, r.category, r.currency, r.content, r.approved_at, r.total
    FROM records r
    WHERE r.organization_id = current_organization()
      AND r.approved_at >= %(first)s AND r.approved_at < %(end)s AND r.category <> 'activity'
      AND NOT EXISTS (SELECT FROM records n WHERE n.organization_id = r.organization_id
        AND n.source_system = r.source_system AND n.source_id = r.source_id
        AND n.revision > r.revision)
      AND NOT EXISTS (SELECT FROM record_withdrawals w WHERE w.organization_id = r.organization_id
        AND w.source_system = r.source_system AND w.source_id = r.source_id
        AND w.revision >= r.revision)
), lines AS (
    SELECT c.id, (l ->> 'amount')::numeric AS amount,
        CASE WHEN lower(l ->> 'unit') = 'km' THEN (l ->> 'quantity')::numeric END AS km,
        (l ->> 'date')::date AS day
    FROM counted c CROSS JOIN LATERAL jsonb_array_elements(c.content -> 'lines') l
    WHERE c.currency = 'NOK' AND c.category IN ('mileage', 'honorarium')
), split AS (
    SELECT l.id, sum(l.amount) FILTER (WHERE l.km IS NOT NULL) AS mileage, sum(l.km) AS km,
        sum(greatest(round(l.amount - l.km * {_TAX_FREE}, 2), 0)) AS taxable
    FROM lines l GROUP BY l.id
), each AS (
    SELECT c.claimant_id, c.category, c.approved_at, c.content -> 'claimant' ->> 'name' AS name,
        c.currency, c.total - coalesce(s.mileage, 0) AS rest, coalesce(s.mileage, 0) AS mileage,
        coalesce(s.km, 0) AS km, coalesce(s.taxable, 0) AS taxable
    FROM counted c LEFT JOIN split s ON s.id = c.id
), persons AS (
    SELECT claimant_id, coalesce((array_agg(name ORDER BY approved_at DESC))[1], '') AS name,
        (count(*) FILTER (WHERE category = 'honorarium' AND nok))::int AS payments,
        coalesce(sum(rest) FILTER (WHERE category = 'honorarium' AND nok), 0) AS pay,
        coalesce(sum(km) FILTER (WHERE nok), 0) AS kilometres,
        coalesce(sum(mileage - taxable) FILTER (WHERE nok), 0) AS mileage_tax_free,
        coalesce(sum(taxable) FILTER (WHERE nok), 0) AS mileage_taxable,
        coalesce(sum(rest) FILTER (WHERE category <> 'honorarium' AND nok), 0) AS reimbursements,
        (count(*) FILTER (WHERE category = 'mileage' AND km = 0 AND nok))::int AS unclear,
        (count(*) FILTER (WHERE NOT nok))::int AS other_currencies
    FROM (SELECT *, currency = 'NOK' AS nok FROM each) e GROUP BY claimant_id
)
"""
_PAGE = f"""{_PERSONS}
SELECT * FROM persons
WHERE (%(basis)s::numeric IS NULL OR pay + mileage_taxable < %(basis)s
    OR (pay + mileage_taxable = %(basis)s AND claimant_id > %(claimant)s))
ORDER BY pay + mileage_taxable DESC, claimant_id LIMIT %(limit)s
"""
_YEAR = f"""{_PERSONS}
SELECT count(*), coalesce(sum(pay), 0), coalesce(sum(mileage_taxable), 0),
    count(*) FILTER (WHERE pay + mileage_taxable > %(limit)s)
FROM persons
"""


def wages_of_year(
    connection: psycopg.Connection[Any], organization_id: UUID, year: int
) -> YearOfWages:
    """Return the organization's year; raises Refused for a year that is none."""
    limits = _limits(connection, organization_id, _checked(year))
    rows = connection.cursor(row_factory=tuple_row)
    ((persons, pay, taxable, reported),) = rows.execute(
        _YEAR, {**_bounds(year), "limit": limits.pay_tax_free}
    ).fetchall()
    nearness = limits.near(pay + taxable, limits.organization_contributions)
    return YearOfWages(year, limits, persons, pay, taxable, reported, nearness)


def persons_of_year(
    connection: psycopg.Connection[Any],
    year: int,
    *,
    after: tuple[Decimal, str] | None = None,
    limit: int = 50,
) -> list[PersonWages]:
    """Return persons, the highest pay first, behind `after` (basis and claimant id)."""
    rows = connection.cursor(row_factory=class_row(PersonWages))
    place = {"basis": after and after[0], "claimant": after and after[1], "limit": limit}
    return rows.execute(_PAGE, {**_bounds(_checked(year)), **place}).fetchall()


def payroll_list(
    connection: psycopg.Connection[Any], organization_id: UUID, year: int
) -> list[PayrollLine]:
    """Return what payroll needs of everybody who was paid: income code, count, amount.

    Mileage that is above the tax-free rate is told twice: the tax-free part with its kilometres,
    and the taxable part.
    """
    limits = _limits(connection, organization_id, _checked(year))
    code = read_settings(connection, organization_id).wage_income_code
    lines: list[PayrollLine] = []
    for one in persons_of_year(connection, year, limit=100_000):
        reported = one.basis > limits.pay_tax_free
        who = (one.claimant_id, one.name)
        if one.pay:
            count = Decimal(one.payments)
            lines.append(PayrollLine(*who, code, True, count, "payments", one.pay, reported))
        if one.mileage_tax_free:
            free = one.mileage_tax_free
            lines.append(
                PayrollLine(*who, MILEAGE_CODE, False, one.kilometres, "km", free, reported)
            )
        if one.mileage_taxable:
            taxable = one.mileage_taxable
            lines.append(PayrollLine(*who, MILEAGE_CODE, True, None, "", taxable, reported))
    return lines


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate or limit from a day on; `own` is the organization's, else the law's."""

    kind: str
    valid_from: date
    amount: Decimal
    own: bool


def list_rates(connection: psycopg.Connection[Any], organization_id: UUID) -> list[Rate]:
    """Return the rates that hold and held, the newest first of each kind."""
    rows = connection.cursor(row_factory=class_row(Rate))
    return rows.execute(
        "SELECT kind, valid_from, amount, true AS own FROM organization_wage_rates"
        " WHERE organization_id = %s"
        " UNION ALL SELECT kind, valid_from, amount, false FROM wage_rates"
        " ORDER BY kind, valid_from DESC, own DESC",
        [organization_id],
    ).fetchall()


def set_rate(
    connection: psycopg.Connection[Any],
    organization_id: UUID,
    kind: str,
    valid_from: date,
    amount: Decimal | None,
    *,
    actor: str,
) -> None:
    """Keep an organization's own rate from a day on, or take it away (None); audited.

    Raises Refused for a kind that is none, or an amount that cannot be one.
    """
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise Refused(Problem("wage_kind", "kind", params={"kind": kind, "known": known}))
    if amount is None:
        connection.execute(
            "DELETE FROM organization_wage_rates"
            " WHERE organization_id = %s AND kind = %s AND valid_from = %s",
            [organization_id, kind, valid_from],
        )
    else:
        try:
            parse_amount(amount)
        except AmountError:
            raise Refused(Problem("wage_rate", "amount")) from None
        if amount < 0:
            raise Refused(Problem("wage_rate", "amount"))
        connection.execute(
            "INSERT INTO organization_wage_rates VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (organization_id, kind, valid_from)"
            " DO UPDATE SET amount = excluded.amount",
            [organization_id, kind, valid_from, amount],
        )
    record_change(
        connection, organization_id, actor, "wages.rate", kind,
        {"from": str(valid_from), "amount": None if amount is None else str(amount)},
    )  # fmt: skip


_LIMITS = "SELECT " + ", ".join(
    _RATE.format(kind=f"'{kind}'", day="%(day)s::date") for kind in KINDS[1:]
)


def _limits(connection: psycopg.Connection[Any], organization_id: UUID, year: int) -> Limits:
    """Return the limits as they stand at the end of the year."""
    rows = connection.cursor(row_factory=tuple_row)
    ((pay, reimbursed, person, organization),) = rows.execute(
        _LIMITS, {"day": date(year, 12, 31)}
    ).fetchall()
    percent = read_settings(connection, organization_id).wage_warning_percent
    return Limits(pay, reimbursed, person, organization, percent)


def _checked(year: int) -> int:
    if year not in _YEARS:
        raise Refused(Problem("wage_year", "year"))
    return year


def _bounds(year: int) -> dict[str, datetime]:
    return {
        "first": datetime(year, 1, 1, tzinfo=TIME_ZONE),
        "end": datetime(year + 1, 1, 1, tzinfo=TIME_ZONE),
    }
