"""Makes and changes journal lines: numbers, defaults, accounts, balancing, dimensions.

Follows dynamics.md §1.4 and §1.5; what is refused here has changed nothing.
"""

from typing import Any

from bilag.sandbox.business_central.books import Books
from bilag.sandbox.business_central.journals import LINE_STEP, Journal, Line
from bilag.sandbox.business_central.master import listed, rules
from bilag.sandbox.business_central.refusals import (
    bad_request,
    dialog,
    field_is,
    no_relation,
)
from bilag.sandbox.business_central.schema import ENTITIES, NO_GUID
from bilag.sandbox.business_central.values import Row, empty_row, read

_LINES = ENTITIES["journalLines"]
_SET = ENTITIES["dimensionSetLines"]
_TABLES = {
    "Customer": ("customers", "Customer"),
    "Vendor": ("vendors", "Vendor"),
    "Employee": ("employees", "Employee"),
    "Bank Account": ("banks", "Bank Account"),
}
_EMPTY = empty_row(_LINES)


def make_line(books: Books, journal: Journal, body: Any, strings_are_decimals: bool) -> Line:
    """Insert a line; raises Refused with the text of the page, the table or OData."""
    values, nested = read(_LINES, body, strings_are_decimals)
    _keep_journal(journal.row, values)
    number = values.get("lineNumber") or (journal.numbers[-1] if journal.numbers else 0) + LINE_STEP
    row = dict(_EMPTY)
    if (next_to := journal.neighbour(number)) is not None:
        # dynamics.md §1.4: defaults come from the previous line, or the next when there is none.
        for name in ("postingDate", "documentNumber"):
            row[name] = next_to.row[name]
    row.update(values)
    if not books.options.copy_vat:
        # dynamics.md §1.4: applied only where the journal copies the VAT set-up.
        row["taxCode"] = ""
    row["lineNumber"] = number
    row["journalId"] = journal.row["id"]
    row["journalDisplayName"] = journal.row["code"]
    row["externalDocumentNumber"] = values.get("externalDocumentNumber", "")
    _settle_account(books, row, values)
    _settle_balance(books, row, values, journal.row["balancingAccountNumber"])
    books.stamps.new(row)
    line = Line(row, journal.row, journal)
    books.journals.add_line(journal, line)
    _set_defaults(books, line, row["accountNumber"])
    _insert_deep(books, line, nested)
    return line


def change_line(books: Books, line: Line, body: Any, strings_are_decimals: bool) -> None:
    """Change a line; raises Refused as `make_line` does, and for a deep change (§1.5)."""
    values, nested = read(_LINES, body, strings_are_decimals)
    if nested:
        raise bad_request("Deep updates are not supported.", "BadRequest_MethodNotImplemented")
    _keep_journal(line.parent, values)
    row = line.row | values
    if {"accountType", "accountNumber", "accountId"} & set(values):
        _settle_account(books, row, values)
    if {"balanceAccountType", "balancingAccountNumber", "balancingAccountId"} & set(values):
        _settle_balance(books, row, values, line.parent["balancingAccountNumber"])
    if line.journal is not None and row["lineNumber"] != line.row["lineNumber"]:
        raise bad_request("The lineNumber of a line cannot be changed.")
    books.stamps.change(line.row, row)


def set_dimension(books: Books, line: Line, body: Any, *, adds: bool) -> str:
    """Set a dimension of a line and return its code; raises Refused with the page's texts."""
    values, _ = read(_SET, body, False)
    code, value = _named(books, values)
    # dynamics.md §1.5: a default dimension of the account is there already.
    if adds and code in line.dimensions:
        raise dialog(
            "The dimension set line already exists. Check existing dimension set lines and the "
            "default dimension set lines on the parent."
        )
    books.journals.set_dimension(line, code, value)
    return code


def _named(books: Books, values: Row) -> tuple[str, str]:
    # Labels of dynamics.md §1.5.
    by_id = books.master.by_id
    code = values.get("code", "")
    if values.get("id", NO_GUID) != NO_GUID:
        dimension = by_id.get(values["id"])
        if dimension is None:
            raise dialog('The "id" does not match to a Dimension.')
        code = dimension["code"]
    if not code:
        raise dialog('The "id" or "code" field must be filled in.')
    if books.master.find("dimensions", code) is None:
        raise dialog('The "code" does not match to a Dimension.')
    value = values.get("valueCode", "")
    if values.get("valueId", NO_GUID) != NO_GUID:
        found = by_id.get(values["valueId"])
        if found is None:
            raise dialog('The "valueId" does not match to a Dimension Value.')
        value = found["code"]
    if not value:
        raise dialog('The "valueId" or "valueCode" field must be filled in.')
    if books.master.value(code, value) is None:
        raise dialog('The "valueCode" does not match to a Dimension Value.')
    return code, value


def _keep_journal(journal: Row, values: Row) -> None:
    if "journalDisplayName" in values:
        raise dialog("The Journal Batch Display Name isn't editable.")
    if values.pop("journalId", journal["id"]) != journal["id"]:
        raise dialog("The Journal Batch Id isn't editable.")


def _settle_account(books: Books, row: Row, values: Row) -> None:
    kind, number = row["accountType"], values.get("accountNumber", "")
    # dynamics.md §1.4: accountId is looked up for G/L and bank accounts only.
    given_id = values.get("accountId", NO_GUID)
    if kind in ("G/L Account", "Bank Account"):
        if given_id != NO_GUID:
            by_id = books.master.by_id.get(given_id)
            if by_id is None:
                raise dialog('The "accountId" does not match to an Account.')
            if number and number != by_id["number"]:
                raise dialog("The account values do not match to a specific Account.")
            number = by_id["number"]
        found = books.master.find("accounts" if kind == "G/L Account" else "banks", number)
        if number and found is None:
            raise dialog('The "accountNumber" does not match to an Account.')
        row["accountId"] = found["id"] if found else NO_GUID
        if found is not None and kind == "G/L Account":
            row["description"] = row["description"] or found["displayName"]
            _may_be_posted_to(books, found, at="line")
    else:
        row["accountId"] = NO_GUID
        _related(books, kind, number, "Account No.")
    row["accountNumber"] = number


def _settle_balance(books: Books, row: Row, values: Row, default: str) -> None:
    number = values.get("balancingAccountNumber", "")
    kind = row["balanceAccountType"]
    if books.options.ignores_balancing_account:
        number = ""
    if number == "" and values.get("balancingAccountId", NO_GUID) != NO_GUID:
        by_id = books.master.by_id.get(values["balancingAccountId"])
        if by_id is None:
            raise dialog('The "balancingAccountId" does not match to an Account.')
        number = by_id["number"]
    # dynamics.md §1.4: blank means the journal's default, and cannot clear it.
    number = number or default
    found = books.master.find("accounts", number) if kind == "G/L Account" else None
    if kind != "G/L Account":
        _related(books, kind, number, "Bal. Account No.")
    elif number and found is None:
        raise no_relation("Bal. Account No.", number, "G/L Account")
    row["balancingAccountNumber"] = number
    row["balancingAccountId"] = found["id"] if found else NO_GUID


def _related(books: Books, kind: str, number: str, field: str) -> None:
    table, related = _TABLES.get(kind, ("", kind))
    if number and (not table or books.master.find(table, number) is None):
        raise no_relation(field, number, related)


def _may_be_posted_to(books: Books, account: Row, *, at: str) -> None:
    options, number = books.options, account["number"]
    record = f"G/L Account: No.={number}"
    if at == "line":
        # The account type is checked when the number is entered; wording INFERRED (§4).
        if account["accountType"] != "Posting":
            raise field_is("Account Type", "Posting", account["accountType"], record)
        if not account["directPosting"]:
            raise field_is("Direct Posting", "Yes", "No", record)
    if options.blocked_at == at and number in listed(options.blocked_accounts):
        raise field_is("Blocked", "No", "Yes", record)


def check_blocked(books: Books, number: str) -> None:
    """Raise Refused when posting to this G/L account is blocked (§4)."""
    account = books.master.find("accounts", number)
    if account is not None:
        _may_be_posted_to(books, account, at="post")


def _set_defaults(books: Books, line: Line, account: str) -> None:
    for (number, code), value in rules(books.options.default_dimensions).items():
        if number == account and line.row["accountType"] == "G/L Account":
            books.journals.set_dimension(line, code, value)


def _insert_deep(books: Books, line: Line, nested: dict[str, Any]) -> None:
    given = nested.get("dimensionSetLines")
    if not given or books.options.deep_insert == "ignored":
        return
    # dynamics.md §1.5: whether this part takes a deep insert is UNKNOWN.
    if books.options.deep_insert != "on":
        raise bad_request(
            "The property 'dimensionSetLines' cannot be inserted with its parent.",
            "BadRequest_MethodNotImplemented",
        )
    if not isinstance(given, list):
        raise bad_request("dimensionSetLines is a list.")
    for one in given:
        set_dimension(books, line, one, adds=True)
