"""Turns the nodes of addGLImportItems into rows of glImportItems, or says what is wrong.

One node is one voucher line (xledger.md §6 [C]); debit is positive [I].
"""

from dataclasses import dataclass, field
from decimal import Decimal
from sys import intern
from typing import Any

from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.master import Master
from bilag.sandbox.xledger.options import Options
from bilag.sandbox.xledger.tables import Row

# Reference fields that are resolved; the others are taken as they come.
RESOLVED = (
    "account",
    "taxRule",
    "currency",
    "transactionSource",
    "subledger",
    "project",
    "owner",
    *(f"glObject{place}" for place in range(1, 6)),
)
_SPOKEN = {
    "account": "account",
    "taxRule": "tax rule",
    "currency": "currency",
    "transactionSource": "transaction source",
    "subledger": "subledger",
    "project": "project",
    "owner": "owner",
}
_MONEY = ("amount", "invoiceAmount", "taxAmount", "quantity", "exchangeRate")
_PLAIN = (
    "trRegNumber",
    "trItemNumber",
    "positionNumber",
    "extIdentifier",
    "invoiceNumber",
    "extOrderNumber",
    "text",
    "postedDate",
    "invoiceDate",
    "dueDate",
    "paymentReference",
    "yourReference",
    "workflow",
)


@dataclass(slots=True)
class Line:
    """One node: its row, what is wrong with it at once, and what is wrong when it is booked."""

    client_id: str | None
    node: dict[str, Any]
    row: Row = field(default_factory=dict)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def document(self) -> tuple[Any, Any]:
        """What the lines of one document share (§6: trRegNumber is the grouping key [I])."""
        return self.row.get("trRegNumber"), self.row.get("extIdentifier")


def read_line(given: dict[str, Any], master: Master, options: Options) -> Line:
    """Read one input of the mutation; what cannot be resolved is left empty in its row."""
    node = given.get("node") or {}
    line = Line(given.get("clientId"), node)
    # Interned, because the lines of a document, and their entries, repeat the same texts.
    row = line.row = {
        name: intern(value) if isinstance(value := node.get(name), str) else value
        for name in _PLAIN
    }
    for name in _MONEY:
        amount = node.get(name)
        row[name] = None if amount is None else money(amount)
    for name in RESOLVED:
        row[name] = None if node.get(name) is None else _resolved(name, line, master, options)
    row["ownerDbId"] = options.owner_db_id
    row["jobLevel"] = _job_level(node.get("jobLevel"), options)
    row["jobLevelDbId"] = row["jobLevel"]["dbId"] if row["jobLevel"] else None
    row["importDefinitionDbId"] = (node.get("importDefinition") or {}).get("dbId")
    number = node.get("trRegNumber")
    if number is not None and not 0 <= number <= options.tr_reg_number_max:
        # xledger.md §6: the greatest trRegNumber is UNKNOWN, and so is this text.
        line.refusals.append({"message": f"trRegNumber: Value {number} is out of range."})
    for name in ("postedDate", "invoiceDate", "dueDate"):
        _check_date(name, line)
    if row["postedDate"] and not line.refusals:
        row["fiscalYear"], row["fiscalPeriod"] = map(int, row["postedDate"].split("-")[:2])
    return line


def money(amount: Decimal) -> str:
    """Write an amount with two decimals at least (§3 [C]: a decimal text)."""
    exponent = amount.as_tuple().exponent
    return f"{amount:.2f}" if isinstance(exponent, int) and exponent > -2 else f"{amount:f}"


def _resolved(name: str, line: Line, master: Master, options: Options) -> Row | None:
    reference = line.node[name]
    if reference.get("showAlternatives") == "YES":
        # xledger.md §3 [C3]: it fails and lists what is valid, dbIds as numbers; the text is ours.
        valid = master.tax_rules() if name == "taxRule" else []
        message = f"{name}: See exampleValidInputs."
        line.refusals.append({"message": message, "extensions": {"exampleValidInputs": valid}})
        return None
    found = master.find(name, reference)
    if found is None:
        by, value = next(iter(reference.items()), ("code", ""))
        if options.validation == "immediate":
            # xledger.md §3, §9 [C3]: the text, with its owner and code.
            message = f"{name}.{by}: No value matching owner {options.owner_db_id}, {by} '{value}'."
            line.refusals.append({"message": message})
        else:
            line.faults.append(f"Invalid {_spoken(name, master)} code: {value}")
    elif not found["isOpen"]:
        line.faults.append(f"The {_spoken(name, master)} {found['code']} is closed for posting")
    return found


def _spoken(name: str, master: Master) -> str:
    if name == master.slot("cost_centre"):
        return "cost center"
    if name == master.slot("project"):
        return "project"
    return _SPOKEN.get(name, name)


def _job_level(reference: dict[str, Any] | None, options: Options) -> dict[str, Any] | None:
    """§6: given by dbId [C3] or dbSubId [C]; which one lets a row be booked is UNKNOWN."""
    if reference is None:
        return None
    number, sub = reference.get("dbId"), reference.get("dbSubId")
    runs = number == options.job_level or (number is None and sub == options.job_level_sub)
    return {
        "dbId": options.job_level if runs else number,
        "dbSubId": options.job_level_sub if runs else sub,
        "name": "Ready" if runs else "Other",
        "_runs": runs,
    }


def _check_date(name: str, line: Line) -> None:
    if line.row[name] is None:
        return
    try:
        clock.read_date(line.row[name])
    except ValueError as error:
        # xledger.md §9 [C3]: extensions.code of a bad argument.
        line.refusals.append(
            {"message": f"{name}: {error}", "extensions": {"code": "INVALID_VALUE"}}
        )
