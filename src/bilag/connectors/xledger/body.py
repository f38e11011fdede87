"""Writes vouchers as GL import items: one node a line, all lines of a voucher in one call.

The query text is constant, everything else goes as variables; amounts stay decimals, as text.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from bilag.connectors.interface import Submission
from bilag.connectors.xledger.settings import (
    COST_CENTRE,
    NODES_MAX,
    PROJECT,
    Chosen,
    XledgerSettings,
)
from bilag.core.money import amount_text
from bilag.core.voucher import Voucher, VoucherLine

Node = dict[str, Any]
Item = dict[str, Any]

ADD_ITEMS = (
    "mutation($inputs: [AddGLImportItemsInput!]!)"
    " { addGLImportItems(inputs: $inputs) { edges { node { dbId } } } }"
)
# Several vouchers in a call are told apart by the clientId that comes back with each edge.
ADD_ITEMS_OF_SEVERAL = ADD_ITEMS.replace("{ edges { node", "{ edges { clientId node")

# What else the mapping may fill, by Xledger's own names: texts as they are, references by code.
TEXTS = frozenset(
    ("bankAccount", "discountDate", "dueDate", "extOrderNumber", "invoiceDate", "invoiceNumber",
     "payDocText", "paymentReference", "quantity", "quantity2", "quantity3", "unit",
     "yourReference")
)  # fmt: skip
REFERENCES = frozenset(
    ("collectCode", "company", "glObject1", "glObject2", "glObject3", "glObject4", "glObject5",
     "objectDef", "objectValueDef", "ourRef", "payCode", "payDocCode", "payMethod", "payTerms",
     "product", "project", "slTransactionType", "transactionReg", "xgl")
)  # fmt: skip


def build_submissions(vouchers: Sequence[Voucher], settings: XledgerSettings) -> list[Submission]:
    """Return submissions of as many vouchers as the settings allow, in order, 500 lines at most.

    Raises ValueError naming the voucher that cannot be written under these settings.
    """
    write = _writer(settings)
    several = settings.batches.documents_per_call
    submissions: list[Submission] = []
    references: list[str] = []
    parts: list[bytes] = []
    nodes = 0
    for voucher in vouchers:
        try:
            part = orjson.dumps(write(voucher))[1:-1]
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"voucher {voucher.reference} ({voucher.source_id}): {error}"
            ) from error
        lines = len(voucher.lines)
        if parts and (len(parts) >= several or nodes + lines > NODES_MAX):
            submissions.append(Submission(tuple(references), _call(parts, several > 1)))
            references, parts, nodes = [], [], 0
        references.append(voucher.reference)
        parts.append(part)
        nodes += lines
    if parts:
        submissions.append(Submission(tuple(references), _call(parts, several > 1)))
    return submissions


def call_of(documents: Iterable[Sequence[Item]], *, several: bool) -> bytes:
    """Return the body of a call with these documents, as `build_submissions` writes it."""
    return _call([orjson.dumps(items)[1:-1] for items in documents], several)


def documents_in(body: bytes) -> dict[str, list[Item]]:
    """Return the documents of a call in order, by reference; raises ValueError when unreadable."""
    documents: dict[str, list[Item]] = {}
    try:
        for item in orjson.loads(body)["variables"]["inputs"]:
            documents.setdefault(item["node"]["extIdentifier"], []).append(item)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a call that adds import items: {error!r}") from error
    return documents


def _call(parts: list[bytes], several: bool) -> bytes:
    return b'{"query":%b,"variables":{"inputs":[%b]}}' % (
        orjson.dumps(ADD_ITEMS_OF_SEVERAL if several else ADD_ITEMS),
        b",".join(parts),
    )


def chosen(value: Chosen) -> Node:
    """Return a reference as Xledger takes it; empty when nothing is chosen."""
    if value.db_id is not None:
        return {"dbId": value.db_id}
    return {"code": value.code} if value.code else {}


def _writer(settings: XledgerSettings) -> Callable[[Voucher], list[Item]]:
    """Read the settings once, because a settings model is slow to ask on the hot path."""
    rules = settings.vouchers
    fixed = _fixed(settings)
    numbered, by_year = rules.tr_reg_number != "none", rules.tr_reg_number == "year_and_number"
    invoice_number = rules.invoice_number == "reference"
    invoice_date = rules.invoice_date == "posting_date"
    currency = rules.currency
    several = settings.batches.documents_per_call > 1
    write_line = _line_writer(settings)
    fill = _filler(settings)

    def write(voucher: Voucher) -> list[Item]:
        if len(voucher.lines) > NODES_MAX:
            raise ValueError(
                f"{len(voucher.lines)} lines, and Xledger takes {NODES_MAX} in one call: group the"
                " lines in the mapping, or split the claim"
            )
        reference = voucher.reference
        document: Node = {**fixed, "extIdentifier": reference, "postedDate": voucher.posting_date}
        if numbered and voucher.number:
            # A million numbers a year fit, and the sum stays below 2^31.
            document["trRegNumber"] = (
                voucher.accounting_year * 1_000_000 + voucher.number if by_year else voucher.number
            )
        if invoice_number:
            document["invoiceNumber"] = reference
        if invoice_date:
            document["invoiceDate"] = voucher.posting_date
        if currency:
            document["currency"] = {"code": voucher.currency}
        if voucher.fields:
            fill(document, voucher.fields)
        items: list[Item] = []
        for line in voucher.lines:
            node = write_line(voucher, {**document}, line)
            items.append(
                {"clientId": f"{reference}-{len(items) + 1}", "node": node}
                if several
                else {"node": node}
            )
        return items

    return write


def _fixed(settings: XledgerSettings) -> Node:
    rules = settings.vouchers
    level = rules.job_level.model_dump(by_alias=True, exclude_none=True)
    wanted = {
        "transactionSource": {"code": rules.transaction_source} if rules.transaction_source else {},
        "jobLevel": level,
        "importDefinition": chosen(rules.import_definition),
        "owner": chosen(rules.owner),
    }
    return {name: value for name, value in wanted.items() if value}


def _line_writer(settings: XledgerSettings) -> Callable[[Voucher, Node, VoucherLine], Node]:
    rules = settings.vouchers
    takes = {ours: theirs for theirs, ours in settings.slots.items()}
    cost_centre, project = takes.get(COST_CENTRE, ""), takes.get(PROJECT, "")
    accounts = frozenset(rules.subledger_accounts)
    amount, invoice_amount = (rules.amount_fields in ("both", name) for name in _AMOUNTS)
    vat, layout, longest = rules.vat == "taxRule", rules.text, rules.text_characters_max
    fill = _filler(settings)

    def write_line(voucher: Voucher, node: Node, line: VoucherLine) -> Node:
        node["account"] = {"code": line.account}
        money = amount_text(line.amount)
        if amount:
            node["amount"] = money
        if invoice_amount:
            node["invoiceAmount"] = money
        text = layout.format(
            reference=voucher.reference,
            text=line.text or voucher.text,
            voucherText=voucher.text,
            number=voucher.display_number,
            sourceId=voucher.source_id,
        )
        node["text"] = text[:longest] if longest else text
        if line.vat_code:
            if not vat:
                raise ValueError(f"the VAT code {line.vat_code} is not taken: VAT is off")
            node["taxRule"] = {"code": line.vat_code}
        if line.cost_centre:
            node[cost_centre or _no_dimension(COST_CENTRE)] = {"code": line.cost_centre}
        if line.project:
            node[project or _no_dimension(PROJECT)] = {"code": line.project}
        if line.party and (not accounts or line.account in accounts):
            node["subledger"] = {"code": line.party}
        if line.fields:
            fill(node, line.fields)
        return node

    return write_line


_AMOUNTS = ("amount", "invoiceAmount")


def _no_dimension(ours: str) -> str:
    raise ValueError(
        f"a line has a {ours}, but no dimension takes it: set dimensions, or leave it out in the"
        " mapping"
    )


def _filler(settings: XledgerSettings) -> Callable[[Node, dict[str, str]], None]:
    """Return what writes the external fields of the mapping into a node."""
    takes = {ours: theirs for theirs, ours in settings.slots.items()}
    rules = settings.vouchers
    taken = set(settings.slots)
    taken |= {"invoiceNumber"} if rules.invoice_number == "reference" else set()
    taken |= {"invoiceDate"} if rules.invoice_date == "posting_date" else set()

    def fill(node: Node, fields: dict[str, str]) -> None:
        for name, value in fields.items():
            if value == "":
                continue
            if slot := takes.get(name):
                node[slot] = {"code": value}
            elif name in taken:
                raise ValueError(f"the mapping fills {name!r}, which the settings fill already")
            elif name in REFERENCES:
                node[name] = {"code": value}
            elif name in TEXTS:
                node[name] = value
            else:
                raise ValueError(
                    f"the mapping fills {name!r}, which is neither a dimension nor a field of an"
                    " import item that may be filled"
                )

    return fill
