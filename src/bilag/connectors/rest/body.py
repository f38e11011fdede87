"""Writes vouchers as JSON: one document for each, the same bytes for the same voucher.

Amounts stay decimals: as text, or as a number spelt out digit by digit.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import orjson

from bilag.connectors.interface import Submission
from bilag.connectors.rest.settings import Names, RestSettings
from bilag.core.money import amount_text
from bilag.core.voucher import Voucher, VoucherLine

Document = dict[str, Any]


def build_submissions(vouchers: Sequence[Voucher], settings: RestSettings) -> list[Submission]:
    """Return one submission for each voucher, in order, with our reference as idempotency key.

    The key has the voucher's suffix, if any: some systems answer a refused key as they did before.
    Raises ValueError naming the voucher when a mapped field would overwrite reference or amounts,
    or when a text cannot be written as JSON.
    """
    write = _writer(settings.body.names, settings.body.amount_format == "number")
    header = settings.idempotency_header
    submissions = []
    for voucher in vouchers:
        reference = voucher.reference
        try:
            body = orjson.dumps(write(voucher))
        except (ValueError, TypeError) as error:
            raise ValueError(f"voucher {reference} ({voucher.source_id}): {error}") from error
        submissions.append(
            Submission(
                (reference,), body, {header: reference + voucher.key_suffix} if header else {}
            )
        )
    return submissions


def _writer(names: Names, as_number: bool) -> Callable[[Voucher], Document]:
    """Read the names once, because a settings model is slow to ask on the hot path."""
    reference, number, date, text = (
        names.reference,
        names.voucher_number,
        names.posting_date,
        names.text,
    )
    currency, category, source_id = names.currency, names.category, names.source_id
    lines, write_line = names.lines, _line_writer(names, as_number)
    ours = (reference, lines)
    nested = names.nested

    def write(voucher: Voucher) -> Document:
        document: Document = {reference: voucher.reference}
        if voucher.number:
            document[number] = voucher.display_number
        document[date] = voucher.posting_date
        if voucher.text:
            document[text] = voucher.text
        document[currency] = voucher.currency
        document[category] = voucher.category
        document[source_id] = voucher.source_id
        document[lines] = [write_line(line) for line in voucher.lines]
        return _finished(document, voucher.fields, ours, nested)

    return write


def _line_writer(names: Names, as_number: bool) -> Callable[[VoucherLine], Document]:
    account, amount, text, vat_code = (
        names.account,
        names.amount,
        names.line_text,
        names.vat_code,
    )
    cost_centre, project, party = names.cost_centre, names.project, names.party
    ours = (amount,)
    nested = names.nested
    write_amount: Callable[[Decimal], object] = _number if as_number else amount_text

    def write_line(line: VoucherLine) -> Document:
        document: Document = {account: line.account, amount: write_amount(line.amount)}
        if line.text:
            document[text] = line.text
        if line.vat_code:
            document[vat_code] = line.vat_code
        if line.cost_centre:
            document[cost_centre] = line.cost_centre
        if line.project:
            document[project] = line.project
        if line.party:
            document[party] = line.party
        return _finished(document, line.fields, ours, nested)

    return write_line


def _number(amount: Decimal) -> orjson.Fragment:
    return orjson.Fragment(amount_text(amount))


def _finished(
    document: Document, mapped: dict[str, str], ours: tuple[str, ...], nested: bool
) -> Document:
    document.pop("", None)
    if mapped:
        for name in ours:
            if name in mapped:
                raise ValueError(f"the mapping fills {name!r}, which only the voucher may fill")
        document.update(mapped)
        document = {name: value for name, value in document.items() if value != ""}
        nested = nested or any(name.startswith("/") for name in mapped)
    return _unfolded(document) if nested else document


def _unfolded(document: Document) -> Document:
    """Turn names that are JSON pointers into nested objects: `/a/id` gives {"a": {"id": ...}}."""
    unfolded: Document = {}
    for name, value in document.items():
        *outer, last = name[1:].split("/") if name.startswith("/") else (name,)
        place = unfolded
        for step in outer:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise ValueError(f"{name!r} goes through another field's value")  # noqa: TRY004
        if last in place:
            raise ValueError(f"{name!r} is filled twice")
        place[last] = value
    return unfolded
