"""Purchase invoices: drafts, their lines, and posting (dynamics.md §1.12).

The vendor's invoice number is checked for a double when posting, not before.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from bilag.sandbox.business_central.answers import Handler, collection, created, single
from bilag.sandbox.business_central.books import Books, unchanged
from bilag.sandbox.business_central.calls import Answer, Call
from bilag.sandbox.business_central.journals import Line
from bilag.sandbox.business_central.lines import check_blocked
from bilag.sandbox.business_central.master import (
    CONTROL_ACCOUNTS,
    COST_CENTRE,
    PROJECT,
    RATES,
)
from bilag.sandbox.business_central.refusals import dialog, no_record, no_relation
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, empty_row, read

_INVOICES, _LINES = ENTITIES["purchaseInvoices"], ENTITIES["purchaseInvoiceLines"]
_CENT = Decimal("0.01")


def _invoices(books: Books, call: Call) -> Answer:
    return collection(books, call, "purchaseInvoices", books.invoices.rows)


def _invoice(books: Books, key: str) -> Row:
    row = books.invoices.by_id.get(key)
    if row is None:
        raise no_record("Purchase Invoice", key)
    return row


def _one_invoice(books: Books, call: Call) -> Answer:
    return single(books, call, "purchaseInvoices", _invoice(books, call.keys[0]))


def _settle_invoice(books: Books, row: Row) -> None:
    vendor = books.master.find("vendors", row["vendorNumber"])
    if vendor is None:
        vendor = books.master.by_id.get(row["vendorId"])
    if vendor is None:
        raise no_relation("Buy-from Vendor No.", row["vendorNumber"], "Vendor", "Purchase Header")
    row.update(
        vendorNumber=vendor["number"], vendorId=vendor["id"], vendorName=vendor["displayName"]
    )
    if row["currencyCode"] and books.master.find("currencies", row["currencyCode"]) is None:
        raise no_relation("Currency Code", row["currencyCode"], "Currency", "Purchase Header")
    for name, code in (
        ("shortcutDimension1Code", COST_CENTRE),
        ("shortcutDimension2Code", PROJECT),
    ):
        if row[name] and books.master.value(code, row[name]) is None:
            raise no_relation(name, row[name], "Dimension Value", "Purchase Header")


def _new_invoice(books: Books, call: Call) -> Answer:
    values, nested = read(_INVOICES, call.document(), call.strings_are_decimals)
    row = empty_row(_INVOICES) | values | {"status": "Draft"}
    row["postingDate"] = row["postingDate"] or f"{datetime.now(UTC):%Y-%m-%d}"
    row["number"] = books.invoices.next_number()
    _settle_invoice(books, row)
    books.stamps.new(row)
    books.invoices.add(row)
    books.undo.note(lambda: books.invoices.remove(row))
    for body in nested.get("purchaseInvoiceLines") or ():
        _make_line(books, row, body, call.strings_are_decimals)
    return created(books, call, "purchaseInvoices", row)


def _draft(books: Books, key: str) -> Row:
    row = _invoice(books, key)
    if row["status"] != "Draft":
        raise dialog("The invoice has been posted and can no longer be changed.")
    return row


def _change_invoice(books: Books, call: Call) -> Answer:
    row = _draft(books, call.keys[0])
    unchanged(row, call.headers)
    values, _ = read(_INVOICES, call.document(), call.strings_are_decimals)
    changed = row | values
    _settle_invoice(books, changed)
    books.stamps.change(row, changed)
    books.invoices.index(row)
    return single(books, call, "purchaseInvoices", row)


def _delete_invoice(books: Books, call: Call) -> Answer:
    row = _draft(books, call.keys[0])
    unchanged(row, call.headers)
    books.invoices.remove(row)
    return Answer(204)


def _invoice_lines(books: Books, call: Call) -> Answer:
    lines = books.invoices.lines_of(_invoice(books, call.keys[0])["id"])
    return collection(books, call, "purchaseInvoiceLines", lambda _: [line.row for line in lines])


def _new_invoice_line(books: Books, call: Call) -> Answer:
    row = _draft(books, call.keys[0])
    line = _make_line(books, row, call.document(), call.strings_are_decimals)
    return created(books, call, "purchaseInvoiceLines", line.row)


def _make_line(books: Books, invoice: Row, body: object, strings_are_decimals: bool) -> Line:
    values, _ = read(_LINES, body, strings_are_decimals)
    row = empty_row(_LINES) | {"lineType": "Account"} | values | {"documentId": invoice["id"]}
    account = books.master.find("accounts", row["lineObjectNumber"])
    account = account or books.master.by_id.get(row["accountId"])
    if row["lineType"] == "Account":
        if account is None:
            raise no_relation("No.", row["lineObjectNumber"], "G/L Account", "Purchase Line")
        row.update(accountId=account["id"], lineObjectNumber=account["number"])
        row["description"] = row["description"] or account["displayName"]
    kept = books.invoices.lines_of(invoice["id"])
    row["sequence"] = row["sequence"] or (kept[-1].row["sequence"] if kept else 0) + 10000
    amount = (row["quantity"] * row["unitCost"]).quantize(_CENT, ROUND_HALF_UP)
    row["amountExcludingTax"] = row["amountIncludingTax"] = amount
    line = Line(books.stamps.new(row), invoice)
    books.invoices.add_line(line)
    books.undo.note(lambda: books.invoices.remove_line(line))
    total = invoice["totalAmountIncludingTax"] + amount
    books.stamps.change(
        invoice, {"totalAmountIncludingTax": total, "totalAmountExcludingTax": total}
    )
    return line


def _post_invoice(books: Books, call: Call) -> Answer:
    row = _draft(books, call.keys[0])
    lines = books.invoices.lines_of(row["id"])
    if not lines or not row["totalAmountIncludingTax"]:
        raise dialog("There is nothing to post.")
    number, vendor = row["vendorInvoiceNumber"], row["vendorNumber"]
    if not number:
        raise dialog("You need to enter the document number of the document from the vendor.")
    if (vendor, number) in books.invoices.posted:
        # dynamics.md §1.12, §4
        raise dialog(f"Purchase Invoice {number} already exists.")
    for line in lines:
        check_blocked(books, line.row["lineObjectNumber"])
    rate = RATES.get(row["currencyCode"], Decimal(1))
    heads = {COST_CENTRE: row["shortcutDimension1Code"], PROJECT: row["shortcutDimension2Code"]}
    of_head = {code: value for code, value in heads.items() if value}
    posted = f"KF{len(books.invoices.posted) + 100001}"
    parts = [
        {
            "account": line.row["lineObjectNumber"],
            "amount": (line.row["amountIncludingTax"] * rate).quantize(_CENT, ROUND_HALF_UP),
            "text": line.row["description"],
            "dimensions": of_head | line.dimensions,
        }
        for line in lines
    ]
    owed: Decimal = -sum((part["amount"] for part in parts), Decimal(0))
    parts.append(
        {
            "account": CONTROL_ACCOUNTS["Vendor"],
            "amount": owed,
            "text": f"Invoice {posted}",
            "dimensions": of_head,
            "ledgerOf": f"Vendor {vendor}",
        }
    )
    books.stamps.change(row, {"status": "Open", "number": posted})
    books.invoices.posted.add((vendor, number))
    head = {
        "reference": number,
        "voucherNumber": posted,
        "postingDate": row["postingDate"],
        "text": lines[0].row["description"],
        "documentType": "Invoice",
        "attachments": books.attachments.digests(row["id"]),
        "invoice": books.invoices.kept(row),
    }
    books.general.post(head, parts)
    books.undo.commit()
    return Answer(204)


HANDLERS: Mapping[str, Handler] = {
    "GET purchaseInvoices": _invoices,
    "POST purchaseInvoices": _new_invoice,
    "GET purchaseInvoices()": _one_invoice,
    "PATCH purchaseInvoices()": _change_invoice,
    "DELETE purchaseInvoices()": _delete_invoice,
    "POST purchaseInvoices()/Microsoft.NAV.post": _post_invoice,
    "GET purchaseInvoices()/purchaseInvoiceLines": _invoice_lines,
    "POST purchaseInvoices()/purchaseInvoiceLines": _new_invoice_line,
}
