"""The addresses of API v2.0: which handler answers which operation.

A handler returns its answer or raises Refused; the caller owns the transaction.
"""

from collections.abc import Callable, Iterable
from typing import Any

from bilag.sandbox.business_central import purchasing, receipts
from bilag.sandbox.business_central.answers import Handler, collection, created, single
from bilag.sandbox.business_central.books import TEMPLATE, Books, unchanged
from bilag.sandbox.business_central.calls import Answer, Call
from bilag.sandbox.business_central.filters import Filter
from bilag.sandbox.business_central.journals import Journal, Line
from bilag.sandbox.business_central.lines import change_line, make_line, set_dimension
from bilag.sandbox.business_central.master import listed
from bilag.sandbox.business_central.posting import post_journal
from bilag.sandbox.business_central.refusals import (
    Refused,
    bad_request,
    dialog,
    no_record,
    no_relation,
    not_found,
)
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row, read

HANDLERS: dict[str, Handler] = {}
_MASTER = (
    "dimensions",
    "dimensionValues",
    "accounts",
    "vendors",
    "employees",
    "currencies",
    "accountingPeriods",
)
# dynamics.md §1.3: templates whose journals another filter shows
_TEMPLATES = (TEMPLATE, "PAYMENT")


def _on(*operations: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for operation in operations:
            HANDLERS[operation] = handler
        return handler

    return register


def execute(books: Books, call: Call) -> Answer:
    """Carry out one call; raises Refused for an unknown address or company."""
    handler = HANDLERS.get(call.operation)
    if handler is None:
        if any(operation.partition(" ")[2] == call.pattern for operation in HANDLERS):
            raise Refused(405, "BadRequest_MethodNotAllowed", "Method not allowed.")
        raise not_found(f"No HTTP resource was found that matches the request URI '{call.url}'.")
    if call.pattern not in ("companies", "companies()"):
        options = books.options
        if call.company.lower() not in (options.company_id.lower(), options.company_name.lower()):
            raise Refused(
                404, "Internal_CompanyNotFound", f"The company '{call.company}' does not exist."
            )
    if call.method != "GET" and call.headers.get("Data-Access-Intent") == "ReadOnly":
        # dynamics.md §1.10
        raise bad_request("Data-Access-Intent ReadOnly is not allowed for this request.")
    return handler(books, call)


def _company(books: Books) -> Row:
    options = books.options
    return {
        "@odata.etag": 'W/"JzE5OzE"',
        "id": options.company_id,
        "systemVersion": "27.0.0.0",
        "name": options.company_name,
        "displayName": options.company_name,
        "businessProfileId": "",
    }


@_on("GET companies")
def _companies(books: Books, call: Call) -> Answer:
    return collection(books, call, "companies", lambda _: [_company(books)])


@_on("GET companies()")
def _one_company(books: Books, call: Call) -> Answer:
    if call.keys[0] != books.options.company_id.lower():
        raise Refused(404, "Internal_CompanyNotFound", "The company does not exist.")
    return single(books, call, "companies", _company(books))


@_on(*(f"GET {name}" for name in _MASTER))
def _master(books: Books, call: Call) -> Answer:
    name = call.pattern
    if name == "accounts":
        blocked = listed(books.options.blocked_accounts)
        for row in books.master.rows(name):
            row["blocked"] = row["number"] in blocked
    return collection(books, call, name, lambda _: books.master.rows(name))


@_on(*(f"GET {name}()" for name in _MASTER))
def _one_master(books: Books, call: Call) -> Answer:
    row = books.master.by_id.get(call.keys[0])
    if row is None:
        raise no_record(call.pattern.removesuffix("()"), call.keys[0])
    return single(books, call, call.pattern.removesuffix("()"), row)


@_on("GET dimensions()/dimensionValues")
def _values(books: Books, call: Call) -> Answer:
    kept = books.master.rows("dimensionValues")
    rows = [row for row in kept if row["dimensionId"] == call.keys[0]]
    return collection(books, call, "dimensionValues", lambda _: rows)


@_on("GET generalLedgerEntries")
def _entries(books: Books, call: Call) -> Answer:
    replica = call.headers.get("Data-Access-Intent") == "ReadOnly"
    return collection(
        books,
        call,
        "generalLedgerEntries",
        lambda chosen: books.ledger_rows(chosen, from_replica=replica),
    )


@_on("GET generalLedgerEntries()")
def _entry(books: Books, call: Call) -> Answer:
    row = books.general.find(call.keys[0])
    if row is None:
        raise no_record("G/L Entry", call.keys[0])
    return single(books, call, "generalLedgerEntries", row)


@_on("GET generalLedgerEntries()/dimensionSetLines")
def _entry_dimensions(books: Books, call: Call) -> Answer:
    row = books.general.find(call.keys[0])
    if row is None:
        raise no_record("G/L Entry", call.keys[0])
    kept = books.general.dimensions[row["id"]]
    rows = books.dimension_rows(row, "General Ledger Entry", kept)
    return collection(books, call, "dimensionSetLines", lambda _: rows)


@_on("GET journals")
def _journals(books: Books, call: Call) -> Answer:
    def rows(chosen: Filter) -> Iterable[Row]:
        # dynamics.md §1.3: without a filter only the default template's journals.
        templates = chosen.equals.get("templateDisplayName") or {TEMPLATE}
        codes = chosen.equals.get("code")
        journals = books.journals.by_key
        if codes is None:
            return [one.row for key, one in sorted(journals.items()) if key[0] in templates]
        keys = [(template, code) for template in templates for code in codes]
        return [journals[key].row for key in keys if key in journals]

    return collection(books, call, "journals", rows)


@_on("POST journals")
def _new_journal(books: Books, call: Call) -> Answer:
    values, nested = read(ENTITIES["journals"], call.document(), call.strings_are_decimals)
    code = values.get("code", "")
    if not code:
        raise bad_request("Field 'code' must not be blank", "BadRequest_RequiredParamNotProvided")
    template = values.get("templateDisplayName") or TEMPLATE
    if template not in _TEMPLATES:
        raise no_relation(
            "Journal Template Name", template, "Gen. Journal Template", "Gen. Journal Batch"
        )
    journal = books.new_journal(code, values.get("displayName", ""), template)
    for body in nested.get("journalLines") or ():
        make_line(books, journal, body, call.strings_are_decimals)
    return created(books, call, "journals", journal.row)


def _journal(books: Books, key: str) -> Journal:
    journal = books.journals.by_id.get(key)
    if journal is None:
        raise no_record("General Journal Batch", key)
    return journal


@_on("GET journals()")
def _one_journal(books: Books, call: Call) -> Answer:
    return single(books, call, "journals", _journal(books, call.keys[0]).row)


@_on("DELETE journals()")
def _delete_journal(books: Books, call: Call) -> Answer:
    journal = _journal(books, call.keys[0])
    unchanged(journal.row, call.headers)
    books.journals.remove(journal)
    return Answer(204)


@_on("POST journals()/Microsoft.NAV.post")
def _post(books: Books, call: Call) -> Answer:
    journal = books.journals.by_id.get(call.keys[0])
    if journal is None:
        raise dialog(f"The General Journal Batch with ID {call.keys[0]} cannot be found.")
    post_journal(books, journal)
    return Answer(204)


@_on("GET journals()/journalLines")
def _lines(books: Books, call: Call) -> Answer:
    journal = _journal(books, call.keys[0])

    def rows(_: Filter) -> Iterable[Row]:
        return (line.row for line in journal.in_order() if line.shown)

    return collection(books, call, "journalLines", rows)


@_on("GET journalLines")
def _lines_of_no_journal(books: Books, call: Call) -> Answer:
    # dynamics.md §1.4
    raise dialog("You must specify a journal batch ID or a journal ID to get a journal line.")


@_on("POST journals()/journalLines", "POST journalLines")
def _new_line(books: Books, call: Call) -> Answer:
    body = call.document()
    named = body.get("journalId", "") if isinstance(body, dict) else ""
    key = call.keys[0] if call.keys else str(named).lower()
    line = make_line(books, _journal(books, key), body, call.strings_are_decimals)
    return created(books, call, "journalLines", line.row)


def _line(books: Books, call: Call, key: str) -> Line:
    line = books.line(key)
    if line is None:
        raise no_record("Gen. Journal Line", key)
    below_journal = call.pattern.startswith("journals()")
    wrong_kind = (line.journal is not None) != ("journalLines()" in call.pattern)
    if wrong_kind or (below_journal and line.parent["id"] != call.keys[0]):
        raise no_record("Gen. Journal Line", key)
    return line


@_on("GET journalLines()", "GET journals()/journalLines()")
def _one_line(books: Books, call: Call) -> Answer:
    line = _line(books, call, call.keys[-1])
    return single(books, call, "journalLines", line.row)


@_on("PATCH journalLines()", "PATCH journals()/journalLines()")
def _change_line(books: Books, call: Call) -> Answer:
    line = _line(books, call, call.keys[-1])
    unchanged(line.row, call.headers)
    change_line(books, line, call.document(), call.strings_are_decimals)
    return single(books, call, "journalLines", line.row)


@_on("DELETE journalLines()", "DELETE journals()/journalLines()")
def _delete_line(books: Books, call: Call) -> Answer:
    line = _line(books, call, call.keys[-1])
    unchanged(line.row, call.headers)
    for row in list(books.attachments.of(line.row["id"])):
        books.attachments.remove(row)
    books.journals.remove_line(line)
    return Answer(204)


_OWNERS = ("journalLines()", "journals()/journalLines()", "purchaseInvoiceLines()")


def _dimensions(books: Books, line: Line) -> list[Row]:
    kind = "Journal Line" if line.journal else "Purchase Invoice Line"
    return books.dimension_rows(line.row, kind, line.dimensions)


@_on(*(f"GET {owner}/dimensionSetLines" for owner in _OWNERS))
def _line_dimensions(books: Books, call: Call) -> Answer:
    rows = _dimensions(books, _line(books, call, call.keys[-1]))
    return collection(books, call, "dimensionSetLines", lambda _: rows)


@_on(*(f"POST {owner}/dimensionSetLines" for owner in _OWNERS))
def _add_dimension(books: Books, call: Call) -> Answer:
    line = _line(books, call, call.keys[-1])
    code = set_dimension(books, line, call.document(), adds=True)
    (row,) = [one for one in _dimensions(books, line) if one["code"] == code]
    return created(books, call, "dimensionSetLines", row)


@_on(*(f"{method} {owner}/dimensionSetLines()" for owner in _OWNERS
       for method in ("GET", "PATCH", "DELETE")))  # fmt: skip
def _one_dimension(books: Books, call: Call) -> Answer:
    line = _line(books, call, call.keys[-2])
    found = [row for row in _dimensions(books, line) if row["id"] == call.keys[-1]]
    if not found:
        raise no_record("Dimension Set Line", call.keys[-1])
    row = found[0]
    if call.method == "GET":
        return single(books, call, "dimensionSetLines", row)
    unchanged(row, call.headers)
    if call.method == "DELETE":
        books.journals.set_dimension(line, row["code"], None)
        return Answer(204)
    body: Any = call.document()
    code = set_dimension(books, line, {"code": row["code"], **body}, adds=False)
    (changed,) = [one for one in _dimensions(books, line) if one["code"] == code]
    return single(books, call, "dimensionSetLines", changed)


HANDLERS.update(purchasing.HANDLERS)
HANDLERS.update(receipts.HANDLERS)
