"""Reads master data for the pages: accounts, dimension values, vendors and the like.

`usable` is false for what Business Central would refuse to post to.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bilag.connectors.dynamics.business_central.company import company_path, identifier
from bilag.connectors.dynamics.business_central.stop import Stop
from bilag.connectors.dynamics.business_central.wire import Wire
from bilag.connectors.dynamics.odata import Item, filtered, literal, plain
from bilag.core.outcome import ReferenceItem
from bilag.core.problem import Problem, Refused


@dataclass(frozen=True, slots=True)
class _Kind:
    path: str
    code: str
    name: str = "displayName"
    usable: Callable[[Item], bool] = lambda _: True


def _postable(item: Item) -> bool:
    posting = plain(item.get("accountType")) == "Posting"
    return posting and item.get("directPosting") is True and item.get("blocked") is not True


def _vendor_open(item: Item) -> bool:
    return plain(item.get("blocked")).strip() == ""


def _employed(item: Item) -> bool:
    return plain(item.get("status")) in ("", "Active")


def _open_period(item: Item) -> bool:
    return item.get("closed") is not True and item.get("dateLocked") is not True


_KINDS = {
    "accounts": _Kind("accounts", "number", usable=_postable),
    "projects": _Kind("projects", "number"),
    "dimensions": _Kind("dimensions", "code"),
    "vendors": _Kind("vendors", "number", usable=_vendor_open),
    "employees": _Kind("employees", "number", usable=_employed),
    "currencies": _Kind("currencies", "code"),
    "periods": _Kind("accountingPeriods", "startingDate", "name", _open_period),
}
REFERENCE_KINDS = ("accounts", "cost_centres", *(kind for kind in _KINDS if kind != "accounts"))


async def read_master_data(wire: Wire, kind: str) -> AsyncIterator[ReferenceItem]:
    """Yield the items of a kind; raises ValueError when they cannot be read."""
    if kind not in REFERENCE_KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(REFERENCE_KINDS)}")
    try:
        company = await company_path(wire)
        rules, path = await _rules(wire, kind, company)
        items, evidence = await wire.read_all(path)
        found = [
            ReferenceItem(
                kind,
                plain(item.get(rules.code)),
                plain(item.get(rules.name)),
                identifier(item, evidence),
                rules.usable(item),
            )
            for item in items
        ]
    except Stop as stop:
        problem = stop.outcome.problem
        raise (Refused(problem) if problem else ValueError(stop.outcome.message)) from stop
    for item in found:
        yield item


async def _rules(wire: Wire, kind: str, company: str) -> tuple[_Kind, str]:
    """Return how a kind is read; cost centres and projects may be values of a dimension."""
    chosen = wire.settings.dimensions
    dimension = {"cost_centres": chosen.cost_centre, "projects": chosen.project}.get(kind, "")
    if not dimension:
        if kind == "cost_centres":
            raise Refused(Problem("dynamics.no_cost_centres"))
        return _KINDS[kind], f"{company}/{_KINDS[kind].path}"
    items, evidence = await wire.read_all(
        f"{company}/dimensions", filtered(f"code eq {literal(dimension)}")
    )
    for item in items:
        if plain(item.get("code")).upper() == dimension:
            path = f"{company}/dimensions({identifier(item, evidence)})/dimensionValues"
            return _Kind(path, "code"), path
    raise Refused(
        Problem("dynamics.dimension_missing", params={"dimension": dimension, "found": "-"})
    )
