"""A record and a mapping version give a balanced voucher without number, or what is missing.

Compiled once per version; `voucher` is pure: the same record, reference and part give the same.
"""

from collections.abc import Mapping as AnyMapping
from datetime import date
from decimal import Decimal
from typing import Any

from bilag.core.money import ORE, amount_text
from bilag.core.problem import Problem
from bilag.core.record import CATEGORIES
from bilag.core.texts import say
from bilag.core.voucher import Voucher, VoucherLine
from bilag.integrations.model import Book, Delivery, Filters
from bilag.mapping.amounts import ZERO, Costs, read_costs
from bilag.mapping.dates import posting_date, shown_date, spans_years
from bilag.mapping.document import TEXT_MAX, MappingDocument
from bilag.mapping.fields import compile_field, compile_fields, fill, one_line
from bilag.mapping.gates import check_declaration, compile_filters
from bilag.mapping.paths import NOTHING, Content, Facts
from bilag.mapping.postings import UNKNOWN_ACCOUNT, Draft, Postings, grouped
from bilag.mapping.result import Excluded, Gaps, Missing
from bilag.mapping.transform import paths_of

# What holds a claim whose posting date is in a closed period, by the organization's policy (E15).
_CLOSED = {
    "stop": "period_closed",
    "ask": "period_closed_ask",
    "first_open_day": "period_closed_moves",
}


def compile_mapping(
    document: MappingDocument,
    book: Book,
    delivery: Delivery,
    organization_declaration: AnyMapping[str, Any],
    filters: Filters,
    *,
    carries_vat: bool = True,
    closed_periods: str = "stop",
    language: str = "nb",
) -> "Mapping":
    """Return the mapping of one integration as it stands; compile again when any argument changes.

    `closed_periods` and `language` are the organization's. Raises DocumentError for a document that
    `check_document` refuses and that cannot be compiled.
    """
    return Mapping(
        document, book, delivery, organization_declaration, filters, carries_vat, closed_periods,
        language,
    )  # fmt: skip


class Mapping:
    """One mapping version, made ready for one book; safe to share, for it keeps no state."""

    __slots__ = (
        "_book",
        "_claimants",
        "_clearing_accounts",
        "_clears",
        "_closed_periods",
        "_counter_fields",
        "_declaration",
        "_gate",
        "_grouped",
        "_header_fields",
        "_language",
        "_line_fields",
        "_line_text",
        "_posting_date",
        "_postings",
        "_shows_book_amount",
        "_voucher_text",
        "_voucher_text_max",
        "_whole",
    )

    def __init__(
        self,
        document: MappingDocument,
        book: Book,
        delivery: Delivery,
        declaration: AnyMapping[str, Any],
        filters: Filters,
        carries_vat: bool,
        closed_periods: str,
        language: str,
    ) -> None:
        self._book = book
        self._closed_periods = closed_periods
        self._language = language
        self._posting_date = delivery.posting_date
        self._whole = delivery.two_years == "one"
        self._declaration = dict(declaration)
        self._gate = compile_filters(filters, book)
        self._postings = Postings(document, carries_vat)
        self._claimants = document.claimants
        self._clears = document.missing_claimant == "clearing"
        self._clearing_accounts: dict[str, str] = {
            **dict.fromkeys(CATEGORIES, document.clearing_account),
            **{str(category): code for category, code in document.clearing_accounts.items()},
        }
        self._grouped = document.lines == "grouped"
        self._voucher_text = compile_field("voucherText", document.voucher_text, "voucherText")
        self._voucher_text_max = min(
            document.voucher_text.truncate or TEXT_MAX, document.voucher_text.max_length or TEXT_MAX
        )
        self._line_text = compile_field("lineText", document.line_text, "lineText")
        self._header_fields = compile_fields("header", document.header)
        self._line_fields = compile_fields("line", document.line)
        self._shows_book_amount = any(
            "line.bookAmount" in paths_of(rule)
            for rule in (document.line_text, *document.line.values())
        )
        self._counter_fields = compile_fields("counterLine", document.counter_line)

    @property
    def policy_day(self) -> date | None:
        """Return the day to which the policy moves what is closed; None under another policy."""
        if self._closed_periods != "first_open_day" or self._book.closed_through is None:
            return None
        return self._book.first_open_day(self._book.closed_through)

    def voucher(
        self, content: Content, reference: str, part: int = 0, open_day: date | None = None
    ) -> Voucher | Missing | Excluded:
        """Return the voucher of a stored record, or of one accounting year of it (`part`).

        Missing lists everything that the record lacks; Excluded says why it is left out. A posting
        date in a closed period moves to `open_day`, where that is the first open day, else it is
        missing.
        """
        refusal = self._gate(content)
        if refusal is not None:
            return refusal
        gaps = Gaps(content["sourceId"])
        costs = read_costs(content, self._book, part)
        if part and not costs.numbered:
            gaps.add("part_without_lines", "lines", year=str(part))
            return Missing(tuple(gaps.found))
        if not costs.original:
            return _zero(gaps.record)
        self._check_claim(content, costs, gaps)
        original_day = posting_date(
            self._posting_date,
            content["approvedAt"],
            costs.last,
            self._book,
            None if costs.is_latest else part,
        )
        day = self._open_day(original_day, open_day, gaps)
        facts = Facts(
            reference,
            day,
            self._book.accounting_year(day),
            self._book.currency,
            costs.total,
            costs.original,
            costs.first,
            costs.last,
        )
        text = one_line(self._voucher_text, content, NOTHING, facts, None, gaps)
        if day != original_day:
            text = self._with_original_day(text, original_day)
        lines = self._lines(content, costs, facts, text, gaps)
        fields = fill(self._header_fields, content, NOTHING, facts, None, gaps)
        if gaps.found:
            return Missing(tuple(gaps.found))
        if not costs.total:
            return _zero(gaps.record)
        return Voucher(
            reference=reference,
            posting_date=day,
            accounting_year=facts.accounting_year,
            currency=self._book.currency,
            text=text,
            lines=tuple(lines),
            claim_total=costs.total,
            source_id=gaps.record,
            category=content["category"],
            number_prefix=self._book.number_prefix,
            fields=fields,
            moved_from=None if day == original_day else original_day,
        )

    def _check_claim(self, content: Content, costs: Costs, gaps: Gaps) -> None:
        if content["category"] == "honorarium":
            check_declaration(content, self._declaration, gaps)
        # Under "split" only a claim taken whole before that was chosen comes here; it is not posted
        # as one voucher in silence. The costs of a part lie in one year.
        if not self._whole and spans_years(costs.first, costs.last, self._book):
            gaps.add("two_accounting_years", "lines", first=str(costs.first), last=str(costs.last))

    def _open_day(self, day: date, decided: date | None, gaps: Gaps) -> date:
        """Return the day itself while it is open, else the day that was decided on, or a gap."""
        first_open = self._book.first_open_day(day)
        if first_open not in (day, decided):
            gaps.add(
                _CLOSED[self._closed_periods],
                "postingDate",
                day=str(day),
                closed=str(self._book.closed_through),
                open=str(first_open),
            )
            return day
        return first_open

    def _with_original_day(self, text: str, day: date) -> str:
        shown = shown_date(day, self._language)
        note = say("mapping_original_date", self._language, date=shown)
        kept = text[: max(self._voucher_text_max - len(note) - 3, 0)].rstrip()
        return f"{kept} ({note})".strip()[: self._voucher_text_max]

    def _payee(self, content: Content, gaps: Gaps) -> tuple[str, str]:
        """Return party and clearing account; a known party has no clearing account."""
        claimant = content.get("claimant", NOTHING).get("id", "")
        party = self._claimants.get(claimant)
        if party:
            return party, ""
        if not self._clears:
            gaps.add("claimant_not_mapped", "claimant.id", claimant=claimant)
            return "", ""
        account = self._clearing_accounts[content["category"]]
        if not account:
            gaps.add("clearing_account_missing", "category", category=content["category"])
        return "", account or UNKNOWN_ACCOUNT

    def _lines(
        self, content: Content, costs: Costs, facts: Facts, text: str, gaps: Gaps
    ) -> list[VoucherLine]:
        party, clearing_account = self._payee(content, gaps)
        drafts = self._postings.drafts(content, costs, clearing_account, gaps)
        counters: dict[str, Decimal] = {}
        for draft in drafts:
            account = draft.counter_account
            counters[account] = counters.get(account, ZERO) + draft.amount
        if self._grouped:
            drafts = grouped(drafts)
        made = [self._line(content, draft, facts, gaps) for draft in drafts]
        # A posting of nothing says nothing, and ledgers refuse it.
        lines = [line for line in made if line.amount]
        residue = costs.total - sum(counters.values(), ZERO)
        counter_fields = fill(self._counter_fields, content, NOTHING, facts, None, gaps)
        if residue:
            lines.append(self._rounding_line(residue, text, counter_fields, gaps))
            counters[next(iter(counters))] += residue
        lines += [
            VoucherLine(account, -amount, text, party=party, fields=dict(counter_fields))
            for account, amount in counters.items()
            if amount
        ]
        return lines

    def _line(self, content: Content, draft: Draft, facts: Facts, gaps: Gaps) -> VoucherLine:
        line = draft.line
        if self._shows_book_amount:
            line = {**line, "bookAmount": amount_text(draft.amount)}
        return VoucherLine(
            draft.account,
            draft.amount,
            one_line(self._line_text, content, line, facts, draft.number, gaps),
            draft.vat_code,
            draft.cost_centre,
            draft.project,
            "",
            fill(self._line_fields, content, line, facts, draft.number, gaps),
        )

    def _rounding_line(
        self, residue: Decimal, text: str, fields: dict[str, str], gaps: Gaps
    ) -> VoucherLine:
        account = self._book.rounding_account
        if abs(residue) > ORE:
            gaps.add("rounding_too_large", "lines", residue=amount_text(residue))
        elif not account:
            gaps.add("rounding_account", "lines", residue=amount_text(residue))
        return VoucherLine(account, residue, text, fields=dict(fields))


def _zero(record: str) -> Excluded:
    return Excluded(Problem("zero_sum", "lines", record=record))
