"""Attachments (dynamics.md §1.6), and the partner's page of journal set-up (§6.3).

An attachment is made first, then filled; it hangs on a journal line or an invoice.
"""

from collections.abc import Iterable, Mapping

from bilag.sandbox.business_central.answers import Handler, collection, created, single
from bilag.sandbox.business_central.books import Books, unchanged
from bilag.sandbox.business_central.calls import Answer, Call
from bilag.sandbox.business_central.filters import Filter
from bilag.sandbox.business_central.refusals import dialog, no_record
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, empty_row, read


def _attachments(books: Books, call: Call) -> Answer:
    def rows(chosen: Filter) -> Iterable[Row]:
        parents = [call.keys[0]] if call.keys else chosen.equals.get("parentId")
        if parents is None:
            return list(books.attachments.by_id.values())
        return [row for parent in parents for row in books.attachments.of(parent)]

    return collection(books, call, "attachments", rows)


def _new_attachment(books: Books, call: Call) -> Answer:
    values, _ = read(ENTITIES["attachments"], call.document(), False)
    row = empty_row(ENTITIES["attachments"]) | values
    kind = row["parentType"]
    if kind in ("Employee", "Vendor"):
        # dynamics.md §1.6
        raise dialog(f"Parent type {kind} is not supported. Use documentAttachments API instead.")
    found = books.line(row["parentId"]) if kind == "Journal" else None
    if found is None and row["parentId"] not in books.invoices.by_id:
        raise no_record("parent", row["parentId"])
    if not row["fileName"] or set(row["fileName"]) & set('/\\:*?"<>|'):
        # dynamics.md §1.6: an invalid name is silently replaced.
        row["fileName"] = "filename.txt"
    books.attachments.add(books.stamps.new(row))
    return created(books, call, "attachments", row)


def _attachment(books: Books, call: Call) -> Row:
    row = books.attachments.by_id.get(call.keys[0])
    if row is None:
        raise no_record("Attachment", call.keys[0])
    return row


def _one_attachment(books: Books, call: Call) -> Answer:
    return single(books, call, "attachments", _attachment(books, call))


def _fill_attachment(books: Books, call: Call) -> Answer:
    row = _attachment(books, call)
    unchanged(row, call.headers)
    content = call.body if isinstance(call.body, bytes) else b""
    books.attachments.fill(row, content)
    books.stamps.change(row, {"byteSize": len(content)})
    return Answer(204)


def _content(books: Books, call: Call) -> Answer:
    row = _attachment(books, call)
    return Answer(200, content=books.attachments.content.get(row["id"], b""))


def _delete_attachment(books: Books, call: Call) -> Answer:
    row = _attachment(books, call)
    unchanged(row, call.headers)
    books.attachments.remove(row)
    return Answer(204)


def batch_setups(books: Books, call: Call) -> Answer:
    """Answer as a partner's own page would: how each journal is set up (§6.3)."""
    options = books.options

    def rows(_: Filter) -> Iterable[Row]:
        for (template, code), journal in sorted(books.journals.by_key.items()):
            yield empty_row(ENTITIES["journalBatchSetups"]) | {
                "id": journal.row["id"],
                "templateName": template,
                "batchName": code,
                "noSeries": "GENJNL" if options.number_series else "",
                "postingNoSeries": "GENJNL-PST" if options.posting_number_series else "",
                "incrementBatchName": options.increment_batch_name,
                "postWithJobQueue": options.post_with_job_queue,
                "forceDocumentBalance": options.force_document_balance,
                "copyVatSetup": options.copy_vat,
                "balancingAccountNumber": journal.row["balancingAccountNumber"],
            }

    return collection(books, call, "journalBatchSetups", rows)


HANDLERS: Mapping[str, Handler] = {
    "GET attachments": _attachments,
    "GET journalLines()/attachments": _attachments,
    "GET purchaseInvoices()/attachments": _attachments,
    "POST attachments": _new_attachment,
    "GET attachments()": _one_attachment,
    "DELETE attachments()": _delete_attachment,
    "GET attachments()/attachmentContent": _content,
    "PATCH attachments()/attachmentContent": _fill_attachment,
}
