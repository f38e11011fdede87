"""`Microsoft.NAV.post` on a journal: checks every line of it, posts all of them, empties it.

Whatever lines are in the journal go along, ours or not (dynamics.md §0.1). Posting commits (§0.7).
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from bilag.sandbox.business_central.books import Books
from bilag.sandbox.business_central.journals import LINE_STEP, Journal, Line
from bilag.sandbox.business_central.lines import check_blocked
from bilag.sandbox.business_central.master import CONTROL_ACCOUNTS, listed, rules
from bilag.sandbox.business_central.refusals import Refused, dialog
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, empty_row, plain


def post_journal(books: Books, journal: Journal) -> None:
    """Post the journal, or schedule it; raises Refused when one line cannot be posted."""
    # dynamics.md §1.3
    if not any(not _empty(line) for line in journal.in_order()):
        raise dialog("There is nothing to post.")
    options = books.options
    if options.post_with_job_queue:
        # dynamics.md §1.3: only scheduled, and still answered 204.
        key = journal.row["id"]
        books.undo.commit()
        loop = asyncio.get_running_loop()
        loop.call_later(options.job_queue_seconds, _post_job, books, key)
        return
    _post(books, journal)


def _post_job(books: Books, key: str) -> None:
    journal = books.journals.by_id.get(key)
    mark = books.undo.mark()
    try:
        if journal is not None:
            _post(books, journal)
    except Refused as refused:
        # Nobody is told over the API: the lines stay, and the job queue shows the error.
        books.undo.back(mark)
        books.jobs_failed.append(refused.message)


def _post(books: Books, journal: Journal) -> None:
    lines = [line for line in journal.in_order() if not _empty(line)]
    for line in lines:
        _check_line(books, journal, line)
    _check_balance(books, lines)
    vendors_numbers = _check_vendors(books, lines)
    documents: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        key = (line.row["documentNumber"], line.row["postingDate"])
        documents.setdefault(key, []).append(line)
    for (number, day), kept in documents.items():
        head = {
            "reference": number,
            "voucherNumber": _replaced(books) or number,
            "postingDate": day,
            "text": kept[0].row["description"],
            "externalDocumentNumber": kept[0].row["externalDocumentNumber"],
            "journal": journal.row["code"],
            "attachments": _receipts(books, kept),
        }
        if head["voucherNumber"] != number:
            # The customer's books know only the number of the posting series (§1.4).
            head = head | {"reference": head["voucherNumber"], "sentAs": number}
        books.general.post(head, [part for line in kept for part in _parts(line)])
    books.invoices.posted.update(vendors_numbers)
    _empty_journal(books, journal, lines)
    books.undo.commit()


def _replaced(books: Books) -> str:
    return f"GPS{books.general.next_entry:06d}" if books.options.posting_number_series else ""


def _receipts(books: Books, lines: Sequence[Line]) -> list[dict[str, Any]]:
    # dynamics.md §1.6: with files on several lines of a document, all but one line's are lost.
    for line in lines:
        if kept := books.attachments.digests(line.row["id"]):
            return kept
    return []


def _parts(line: Line) -> list[dict[str, Any]]:
    row = line.row
    parts = [_part(line, row["accountType"], row["accountNumber"], row["amount"])]
    if row["balancingAccountNumber"]:
        kind, number = row["balanceAccountType"], row["balancingAccountNumber"]
        parts.append(_part(line, kind, number, -row["amount"]))
    return parts


def _part(line: Line, kind: str, number: str, amount: Decimal) -> dict[str, Any]:
    part: dict[str, Any] = {
        "account": CONTROL_ACCOUNTS.get(kind, number),
        "amount": amount,
        "text": line.row["description"],
        "dimensions": line.dimensions,
    }
    if kind in CONTROL_ACCOUNTS:
        part["ledgerOf"] = f"{kind} {number}"
    return part


def _empty(line: Line) -> bool:
    row = line.row
    return not row["accountNumber"] and not row["amount"] and not row["balancingAccountNumber"]


def _check_line(books: Books, journal: Journal, line: Line) -> None:
    options, row = books.options, line.row
    template, batch = journal.key
    place = (
        f"Gen. Journal Line Journal Template Name='{template}',Journal Batch Name='{batch}',"
        f"Line No.='{row['lineNumber']}'"
    )
    for name, label in (("postingDate", "Posting Date"), ("documentNumber", "Document No.")):
        if not row[name]:
            raise Refused(
                400,
                "Application_FieldValidationException",
                f"{label} must have a value in {place}. It cannot be zero or empty.",
            )
    first, last = options.posting_from, options.posting_to
    if (first and row["postingDate"] < first) or (last and row["postingDate"] > last):
        # dynamics.md §4, closed period
        raise dialog(f"Posting Date is not within your range of allowed posting dates in {place}.")
    if options.number_series and not options.manual_numbers:
        # dynamics.md §1.4, no-series
        raise dialog(
            "You may not enter numbers manually. If you want to enter numbers manually, please "
            "activate Manual Nos. in No. Series GENJNL."
        )
    for kind, number in (("accountType", "accountNumber"),
                         ("balanceAccountType", "balancingAccountNumber")):  # fmt: skip
        if row[kind] == "G/L Account" and row[number]:
            check_blocked(books, row[number])
    if fault := _dimension_fault(books, line):
        # dynamics.md §4: template, batch and line number lead back to the line.
        raise dialog(
            f"A dimension used in Gen. Journal Line {template}, {batch}, {row['lineNumber']} "
            f"has caused an error. {fault}"
        )


def _dimension_fault(books: Books, line: Line) -> str:
    # Labels of dynamics.md §4.
    options = books.options
    for code, value in line.dimensions.items():
        if f"{code}={value}" in listed(options.blocked_values):
            return f"Dimension Value {code} - {value} is blocked."
    if line.row["accountType"] != "G/L Account":
        return ""
    number = line.row["accountNumber"]
    account = f"G/L Account {number}"
    for on, code in rules(options.mandatory_dimensions):
        if on == number and code not in line.dimensions:
            return f"Select a Dimension Value Code for the Dimension Code {code} for {account}."
    for (on, code), wanted in rules(options.same_dimensions).items():
        found = line.dimensions.get(code, "")
        if on == number and found != wanted:
            return (
                f"The Dimension Value Code must be {wanted} for Dimension Code {code} for "
                f"{account}. Currently it's {found}."
            )
    for on, code in rules(options.no_dimensions):
        if on == number and code in line.dimensions:
            return f"Dimension Code {code} must be blank for {account}."
    return ""


def _check_balance(books: Books, lines: Sequence[Line]) -> None:
    by_document = books.options.force_document_balance
    sums: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        row = line.row
        if not row["balancingAccountNumber"]:
            key = (row["postingDate"], row["documentNumber"] if by_document else "")
            sums[key] = sums.get(key, Decimal(0)) + row["amount"]
    for (day, document), total in sums.items():
        if not total:
            continue
        # dynamics.md §4, not balanced; the date is written as the user's region writes it
        if document:
            raise dialog(
                f"Document No. {document} is out of balance by {plain(total)}. Please check that "
                "Posting Date, Document Type, Document No. and Amount are correct for each line."
            )
        raise dialog(
            f"The lines in {date.fromisoformat(day):%m/%d/%y} are out of balance by "
            f"{plain(total)}. Check that Posting Date and Amount are correct for each line."
        )


def _check_vendors(books: Books, lines: Sequence[Line]) -> set[tuple[str, str]]:
    # dynamics.md §0.3: the only duplicate check; whether it holds for " " documents is UNKNOWN.
    if not books.options.vendor_numbers_once:
        return set()
    seen: set[tuple[str, str]] = set()
    for line in lines:
        row = line.row
        number = row["externalDocumentNumber"]
        key = (row["accountNumber"], number)
        if row["accountType"] == "Vendor" and number:
            if key in books.invoices.posted or key in seen:
                raise dialog(f"Purchase   {number} already exists.")
            seen.add(key)
    return seen


def _empty_journal(books: Books, journal: Journal, lines: Sequence[Line]) -> None:
    """Delete the lines, and do what the template says with the journal (§1.3)."""
    day = lines[-1].row["postingDate"]
    for line in list(journal.in_order()):
        for row in list(books.attachments.of(line.row["id"])):
            books.attachments.remove(row)
        books.journals.remove_line(line)
    code = journal.row["code"]
    if books.options.increment_batch_name and code[-1:].isdecimal():
        books.journals.remove(journal)
        books.new_journal(_next_name(code), journal.row["displayName"], journal.key[0])
    elif not books.options.number_series:
        row = empty_row(ENTITIES["journalLines"]) | {
            "lineNumber": LINE_STEP,
            "journalId": journal.row["id"],
            "journalDisplayName": code,
            "postingDate": day,
        }
        blank: Row = books.stamps.new(row)
        books.journals.add_line(journal, Line(blank, journal.row, journal))


def _next_name(code: str) -> str:
    """Return the name with its last number one higher, as AL's IncStr does."""
    head = code.rstrip("0123456789")
    digits = code[len(head) :]
    return head + str(int(digits) + 1).zfill(len(digits))


def add_stray_line(books: Books, code: str) -> Row:
    """Add another user's two-sided line to a journal; raises Refused when there is none."""
    for journal in books.journals.by_id.values():
        if journal.row["code"] == code.upper():
            break
    else:
        raise dialog(f"The General Journal Batch {code} cannot be found.")
    number = (journal.numbers[-1] if journal.numbers else 0) + LINE_STEP
    row = empty_row(ENTITIES["journalLines"]) | {
        "lineNumber": number,
        "journalId": journal.row["id"],
        "journalDisplayName": code.upper(),
        "accountNumber": "7770",
        "postingDate": "2026-01-31",
        "documentNumber": "STRAY1",
        "amount": Decimal(17),
        "description": "Line of another user",
        "balancingAccountNumber": "1920",
    }
    line = Line(books.stamps.new(row), journal.row, journal)
    books.journals.add_line(journal, line)
    books.undo.commit()
    return row
