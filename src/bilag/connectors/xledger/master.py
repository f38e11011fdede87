"""Reads master data for mapping: accounts, cost centres, projects, VAT codes, suppliers and more.

Page by page; what Xledger would refuse to post to is marked as not usable where it says so.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import NamedTuple

from bilag.connectors.xledger.answers import XLEDGER_TIME
from bilag.connectors.xledger.pages import Row, code_of, literal, read_pages
from bilag.connectors.xledger.refusals import plain
from bilag.connectors.xledger.wire import ReadFailed, Wire
from bilag.core.outcome import ReferenceItem
from bilag.core.problem import Problem, Refused


class _List(NamedTuple):
    name: str
    fields: str
    usable: Callable[[Row, str], bool]


def _always(row: Row, today: str) -> bool:
    return True


def _open(row: Row, today: str) -> bool:
    begins, ends = str(row.get("dateFrom") or ""), str(row.get("dateTo") or "")
    in_time = begins[:10] <= today and (not ends or today <= ends[:10])
    return row.get("posting") is not False and in_time


_OBJECT = "dbId code description posting dateFrom dateTo"
_LISTS = {
    "accounts": _List(
        "accounts", "dbId code description posting", lambda r, _: r.get("posting") is not False
    ),
    "cost_centres": _List("objectValues", _OBJECT, _open),
    "projects": _List(
        "projects",
        "dbId code description allowPosting",
        lambda r, _: r.get("allowPosting") is not False,
    ),
    "vat_codes": _List("objectValues", _OBJECT, _open),
    "suppliers": _List("suppliers", "dbId code description", _always),
    "currencies": _List("currencies", "dbId code description", _always),
    # How a period shows that it is closed is not documented, so none is marked as such.
    "periods": _List(
        "periodStatusItems", "dbId period { fiscalYear fiscalPeriod fromDate toDate }", _always
    ),
}
KINDS = tuple(_LISTS)
# What the object kind of cost centres is called, where the settings do not give its id.
_COST_CENTRE_KINDS = frozenset(
    ("costcenter", "costcentre", "costcenters", "costcentres", "kostnadssted", "koststed")
)


async def read_master_data(wire: Wire, kind: str) -> AsyncIterator[ReferenceItem]:
    """Yield the items of one kind; raises ValueError saying why they cannot be read."""
    if kind not in _LISTS:
        raise ValueError(f"{kind} is not read from Xledger; known are {', '.join(KINDS)}")
    wanted = _LISTS[kind]
    today = datetime.now(XLEDGER_TIME).date().isoformat()
    try:
        narrowed = ""
        if wanted.name == "objectValues":
            object_kind = await _object_kind(wire, kind)
            narrowed = f", filter: {{ objectKindDbId: {literal(object_kind)} }}"
        async for rows, _ in read_pages(wire, wanted.name, wanted.fields, narrowed):
            for row in rows:
                yield _item(kind, row, wanted.usable(row, today))
    except ReadFailed as failure:
        problem = failure.outcome.problem
        raise (Refused(problem) if problem else ValueError(str(failure))) from failure


def _item(kind: str, row: Row, usable: bool) -> ReferenceItem:
    db_id = str(row.get("dbId") or "")
    if kind != "periods":
        return ReferenceItem(kind, code_of(row), code_of(row, "description"), db_id, usable)
    period = row.get("period")
    number = code_of(period, "fiscalPeriod").zfill(2)
    days = " to ".join(filter(None, (code_of(period, "fromDate"), code_of(period, "toDate"))))
    return ReferenceItem(kind, f"{code_of(period, 'fiscalYear')}-{number}", days, db_id, usable)


async def _object_kind(wire: Wire, kind: str) -> str:
    settings = wire.settings.master_data
    if kind == "vat_codes":
        return settings.vat_kind
    if settings.cost_centre_kind:
        return settings.cost_centre_kind
    named: dict[str, str] = {}
    async for rows, _ in read_pages(wire, "objectKinds", "dbId name"):
        named |= {str(row.get("dbId")): code_of(row, "name") for row in rows}
    found = [db_id for db_id, name in named.items() if plain(name) in _COST_CENTRE_KINDS]
    if len(found) != 1:
        listed = ", ".join(f"{db_id} {name}" for db_id, name in sorted(named.items()))
        raise Refused(Problem("xledger.cost_centre_kind", params={"found": listed[:300]}))
    return found[0]
