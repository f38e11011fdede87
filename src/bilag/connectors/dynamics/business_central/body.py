"""Turns vouchers into submissions: journals of many documents, or one purchase invoice each.

Pure: the same vouchers and settings give the same bytes. What Business Central cannot carry is a
ValueError that names the voucher.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from bilag.connectors.dynamics.business_central.plan import (
    Document,
    Plan,
    PlannedLine,
    journal_code,
    number_lines,
    write_plan,
)
from bilag.connectors.dynamics.business_central.settings import BusinessCentralSettings
from bilag.connectors.interface import Submission
from bilag.core.voucher import Voucher, VoucherLine

DESCRIPTION_MAX = 100
CODE_MAX = 20
EXTERNAL_NUMBER_MAX = 35
LINES_MAX = 2000

_CONTROL_SIGNS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def build_submissions(
    vouchers: Sequence[Voucher], settings: BusinessCentralSettings
) -> list[Submission]:
    """Return submissions in order, each of up to `documents_per_journal` vouchers.

    Raises ValueError naming the voucher when Business Central cannot carry it.
    """
    invoices = settings.mode == "purchase_invoice"
    documents = []
    for voucher in vouchers:
        try:
            documents.append(_invoice(voucher, settings) if invoices else _entry(voucher, settings))
        except ValueError as error:
            raise _named(voucher, error) from error
    submissions = []
    for group in _groups(documents, 1 if invoices else settings.documents_per_journal):
        references = tuple(document.reference for document in group)
        number_lines(group)
        code = "" if invoices else journal_code(references)
        plan = Plan(settings.mode, settings.template, code, group)
        try:
            submissions.append(Submission(references, write_plan(plan)))
        except (ValueError, TypeError) as error:
            raise ValueError(f"vouchers {', '.join(references)}: {error}") from error
    return submissions


def _named(voucher: Voucher, error: ValueError) -> ValueError:
    return ValueError(f"voucher {voucher.reference} ({voucher.source_id}): {error}")


def _groups(documents: Sequence[Document], size: int) -> Iterator[list[Document]]:
    group: list[Document] = []
    lines = 0
    for document in documents:
        if group and (len(group) >= size or lines + len(document.lines) > LINES_MAX):
            yield group
            group, lines = [], 0
        group.append(document)
        lines += len(document.lines)
    if group:
        yield group


def _entry(voucher: Voucher, settings: BusinessCentralSettings) -> Document:
    if voucher.currency != settings.currency:
        raise ValueError(
            f"journal lines carry only {settings.currency}, the voucher is in {voucher.currency}"
        )
    return _document(voucher, voucher.lines, settings)


def _invoice(voucher: Voucher, settings: BusinessCentralSettings) -> Document:
    """Leave out the lines on the vendor: their sum is what the invoice says of itself."""
    vendors = {line.party for line in voucher.lines if line.party}
    if len(vendors) != 1:
        raise ValueError("a purchase invoice needs lines with exactly one supplier (party)")
    document = _document(voucher, [line for line in voucher.lines if not line.party], settings)
    if sum((line.amount for line in document.lines), Decimal(0)) <= 0:
        raise ValueError("a purchase invoice has to be for more than 0")
    document.vendor = _code(vendors.pop(), "party")
    if voucher.currency != settings.currency:
        document.currency = voucher.currency
    return document


def _document(
    voucher: Voucher, lines: Sequence[VoucherLine], settings: BusinessCentralSettings
) -> Document:
    if not lines:
        raise ValueError("it has no lines")
    if len(voucher.lines) > LINES_MAX:
        raise ValueError(f"it has {len(voucher.lines)} lines; a journal holds {LINES_MAX}")
    reference = voucher.reference
    if len(reference) > CODE_MAX or reference != reference.strip().upper():
        raise ValueError("the reference is no document number of 20 characters in upper case")
    shared = _dimensions_of_fields(voucher.fields, settings)
    planned = []
    for position, line in enumerate(lines, 1):
        try:
            planned.append(_line(voucher, line, position, shared, settings))
        except ValueError as error:
            raise ValueError(f"line {position}: {error}") from error
    _tell_apart(planned)
    return Document(
        reference,
        voucher.display_number[:EXTERNAL_NUMBER_MAX],
        voucher.posting_date.isoformat(),
        planned,
    )


def _line(
    voucher: Voucher,
    line: VoucherLine,
    position: int,
    shared: dict[str, str],
    settings: BusinessCentralSettings,
) -> PlannedLine:
    if line.amount != round(line.amount, settings.amount_decimals):
        raise ValueError(
            f"the amount {line.amount} has more than {settings.amount_decimals} decimals"
        )
    if line.vat_code and not settings.sends_tax_code:
        raise ValueError(f"VAT code {line.vat_code!r}: the settings send no VAT codes")
    account_type: str
    if line.party and settings.party_account_type != "G/L Account":
        account_type, account = settings.party_account_type, _code(line.party, "party")
    else:
        account_type, account = "G/L Account", _code(line.account, "account")
    text = " ".join(filter(None, (voucher.display_number, line.text or voucher.text)))
    return PlannedLine(
        number=0,
        position=position,
        account_type=account_type,
        account=account,
        amount=line.amount,
        description=_CONTROL_SIGNS.sub(" ", text).strip()[:DESCRIPTION_MAX],
        tax_code=_code(line.vat_code, "VAT code") if line.vat_code else "",
        dimensions=shared | _dimensions(line, settings),
    )


def _dimensions(line: VoucherLine, settings: BusinessCentralSettings) -> dict[str, str]:
    chosen = settings.dimensions
    found = _dimensions_of_fields(line.fields, settings)
    for name, dimension, value in (
        ("cost centre", chosen.cost_centre, line.cost_centre),
        ("project", chosen.project, line.project),
    ):
        if value.strip():
            if not dimension:
                raise ValueError(f"{name} {value!r}: the settings name no dimension for it")
            found[dimension] = _code(value, name)
    return found


def _dimensions_of_fields(
    fields: dict[str, str], settings: BusinessCentralSettings
) -> dict[str, str]:
    found = {}
    for name, value in fields.items():
        dimension = settings.dimensions.fields.get(name)
        if not dimension:
            raise ValueError(f"field {name!r}: the settings name no dimension for it")
        if value.strip():
            found[dimension] = _code(value, name)
    return found


def _code(text: str, name: str) -> str:
    code = text.strip().upper()
    if not code or len(code) > CODE_MAX or _CONTROL_SIGNS.search(code):
        raise ValueError(f"{name} {text!r} is not a code of 1 to {CODE_MAX} characters")
    return code


def _tell_apart(lines: Sequence[PlannedLine]) -> None:
    """Make account, amount and description of each line, taken together, unique in its voucher.

    The ledger shows no line numbers: only so a voucher posted twice differs from one that holds
    the same line twice, and a counter entry from a line of the voucher itself.
    """
    seen: set[tuple[str, Decimal, str]] = set()
    for line in lines:
        # The ledger shows the account that a vendor is collected on, not the vendor.
        account = line.account if line.account_type == "G/L Account" else ""
        text, times = line.description, 1
        while (account, abs(line.amount), line.description.casefold()) in seen:
            times += 1
            mark = f" ({times})"
            line.description = text[: DESCRIPTION_MAX - len(mark)].rstrip() + mark
        seen.add((account, abs(line.amount), line.description.casefold()))
