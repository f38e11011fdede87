"""A dry run (E17): what an integration would post now, in sums, and what would be left behind.

It maps and builds like a sync, in flat memory and in a transaction that may only read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from bilag.connectors.interface import Connector
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.core.voucher import Voucher
from bilag.delivery.set_up import compile_now, usable_connector
from bilag.exports.preview import WaitingRecord, waiting_records
from bilag.integrations.model import Integration
from bilag.integrations.store import integration_states
from bilag.mapping.result import Excluded, Missing

# Of each kind of reason so many different sentences are told apart, and so many are shown.
_SENTENCES_MAX = 1_000
_EXAMPLES_MAX = 10


@dataclass(slots=True)
class Turnover:
    """What would be posted on one account or dimension, in the book's currency."""

    lines: int = 0
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Return debit minus credit."""
        return self.debit - self.credit

    def add(self, amount: Decimal) -> None:
        """Count one posting, debit positive."""
        self.lines += 1
        if amount < 0:
            self.credit -= amount
        else:
            self.debit += amount


@dataclass(slots=True)
class Example:
    """One sentence of a reason: on how many claims it is said, and on which first."""

    problem: Problem
    records: int = 0


@dataclass(slots=True)
class Reason:
    """Why claims would be `held` or `excluded`: one kind of problem, with its commonest sentences.

    `records` counts claims; one with several problems counts under each.
    """

    state: str
    code: str
    records: int = 0
    sentences: dict[tuple[tuple[str, str], ...], Example] = field(default_factory=dict)

    def add(self, problems: Iterable[Problem]) -> None:
        """Count one claim with its problems of this kind."""
        self.records += 1
        for problem in {tuple(sorted(p.params.items())): p for p in problems}.values():
            key = tuple(sorted(problem.params.items()))
            if key in self.sentences or len(self.sentences) < _SENTENCES_MAX:
                self.sentences.setdefault(key, Example(problem)).records += 1

    def examples(self) -> list[Example]:
        """Return the sentences that are said of most claims, at most ten."""
        found = sorted(self.sentences.values(), key=lambda one: -one.records)
        return found[:_EXAMPLES_MAX]


@dataclass(slots=True)
class DryRun:
    """What would be posted: `accounts`, `cost_centres`, `projects` and `vat_codes` all sum to zero.

    `condition` is active, disabled or error; `mapping_version` None: by a document not yet saved.
    `sent_again` counts what goes out again with its stored bytes and is in no sum; `claims` are
    count and sum by the claims' own currency, `moved` those with a date out of a closed period.
    """

    integration: Integration
    condition: str
    mapping_version: int | None
    records: int = 0
    vouchers: int = 0
    held: int = 0
    excluded: int = 0
    sent_again: int = 0
    moved: int = 0
    first_day: date | None = None
    last_day: date | None = None
    years: Counter[int] = field(default_factory=Counter)
    claims: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    total: Turnover = field(default_factory=Turnover)
    accounts: dict[str, Turnover] = field(default_factory=dict)
    cost_centres: dict[str, Turnover] = field(default_factory=dict)
    projects: dict[str, Turnover] = field(default_factory=dict)
    vat_codes: dict[str, Turnover] = field(default_factory=dict)
    reasons: dict[tuple[str, str], Reason] = field(default_factory=dict)

    def post(self, record: WaitingRecord, voucher: Voucher) -> None:
        """Add a voucher that would be posted."""
        day = voucher.posting_date
        self.vouchers += 1
        self.moved += voucher.moved_from is not None
        self.first_day = min(self.first_day or day, day)
        self.last_day = max(self.last_day or day, day)
        self.years[voucher.accounting_year] += 1
        count, amount = self.claims.get(record.currency, (0, Decimal(0)))
        self.claims[record.currency] = count + 1, amount + record.amount
        for line in voucher.lines:
            self.total.add(line.amount)
            for sums, code in (
                (self.accounts, line.account),
                (self.cost_centres, line.cost_centre),
                (self.projects, line.project),
                (self.vat_codes, line.vat_code),
            ):
                found = sums.get(code)
                if found is None:
                    found = sums[code] = Turnover()
                found.add(line.amount)

    def leave(self, state: str, problems: Sequence[Problem]) -> None:
        """Add a claim that would be held or excluded, with all its problems."""
        if state == "held":
            self.held += 1
        else:
            self.excluded += 1
        for code in dict.fromkeys(problem.code for problem in problems):
            reason = self.reasons.setdefault((state, code), Reason(state, code))
            reason.add(problem for problem in problems if problem.code == code)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        """Return the dry run for programs: camelCase, amounts as texts, sentences in a language."""
        return {
            "integration": self.integration.key,
            "name": self.integration.name,
            "condition": self.condition,
            "book": self.integration.book.key,
            "currency": self.integration.book.currency,
            "mappingVersion": self.mapping_version,
            "records": self.records,
            "vouchers": self.vouchers,
            "held": self.held,
            "excluded": self.excluded,
            "sentAgain": self.sent_again,
            "moved": self.moved,
            "firstPostingDate": self.first_day and self.first_day.isoformat(),
            "lastPostingDate": self.last_day and self.last_day.isoformat(),
            "accountingYears": [
                {"year": year, "vouchers": count} for year, count in sorted(self.years.items())
            ],
            "claims": [
                {"currency": currency, "count": count, "amount": amount_text(amount)}
                for currency, (count, amount) in sorted(self.claims.items())
            ],
            "total": _turnover(self.total),
            **{
                name: [{"code": code, **_turnover(sums[code])} for code in sorted(sums)]
                for name, sums in (
                    ("accounts", self.accounts),
                    ("costCentres", self.cost_centres),
                    ("projects", self.projects),
                    ("vatCodes", self.vat_codes),
                )
            },
            "reasons": [_reason(reason, language) for reason in self.ordered_reasons()],
        }

    def ordered_reasons(self) -> list[Reason]:
        """Return the reasons, held before excluded, those of most claims first."""
        return sorted(self.reasons.values(), key=lambda one: (one.state != "held", -one.records))


def dry_run(
    connection: psycopg.Connection[Any],
    connectors: Mapping[str, Connector[Any]],
    integration: Integration,
    document: Mapping[str, Any] | None = None,
    *,
    held: bool = False,
) -> DryRun:
    """Map what is pending, and with `held` what is held, as a sync would, and add it up.

    The caller holds the tenant scope, which may only read from here on. Raises Refused for settings
    or a mapping that cannot be used.
    """
    mapping = compile_now(connection, connectors, integration, document)
    connector, settings = usable_connector(connectors, integration)
    states = integration_states(connection, integration.organization_id)
    found = DryRun(
        integration,
        states[integration.key],
        integration.mapping_version if document is None else None,
    )
    for record in waiting_records(connection, integration.id, held=held):
        found.records += 1
        if record.sent_again:
            found.sent_again += 1
            continue
        open_day = mapping.policy_day or record.open_day
        result = mapping.voucher(record.content, record.reference, record.part, open_day)
        if isinstance(result, Missing):
            found.leave("held", result.problems)
        elif isinstance(result, Excluded):
            found.leave("excluded", [result.problem])
        else:
            result.number = integration.book.number_start  # any will do: it is not allotted
            try:
                connector.build([result], settings)
            except ValueError as error:
                params = {"message": str(error)}
                problem = Problem("cannot_be_built", record=record.source_id, params=params)
                found.leave("held", [problem])
            else:
                found.post(record, result)
    return found


def _turnover(sums: Turnover) -> dict[str, Any]:
    return {
        "lines": sums.lines,
        "debit": amount_text(sums.debit),
        "credit": amount_text(sums.credit),
        "net": amount_text(sums.net),
    }


def _reason(reason: Reason, language: str) -> dict[str, Any]:
    return {
        "state": reason.state,
        "code": reason.code,
        "records": reason.records,
        "examples": [
            {
                "message": example.problem.text(language),
                "records": example.records,
                "sourceId": example.problem.record,
            }
            for example in reason.examples()
        ],
    }
