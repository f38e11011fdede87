"""What a record must pass before it is posted: the integration's filters, and the declaration (I8).

A filter excludes, a missing declaration holds.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.integrations.model import Book, Filters
from bilag.mapping.amounts import claim_amount
from bilag.mapping.dates import local_date
from bilag.mapping.paths import NOTHING, Content
from bilag.mapping.result import Excluded, Gaps, Missing

Gate = Callable[[Content], Missing | Excluded | None]

# What holds a claim because a filter cannot tell; with another filter it may go on.
UNTOLD = ("filter_date_missing", "filter_amount_unknown")


def compile_filters(filters: Filters, book: Book) -> Gate:
    """Return a function that gives None for a record that is taken, or why it is not (C13).

    The first filter that leaves a record out is told; one that cannot tell counts only where none
    does. A claim over two accounting years is taken or left out as a whole.
    """
    gates = tuple(gates_of(filters, book).values())
    if len(gates) == 1:
        return gates[0]

    def every(content: Content) -> Missing | Excluded | None:
        untold: Missing | None = None
        for gate in gates:
            refusal = gate(content)
            if isinstance(refusal, Excluded):
                return refusal
            untold = untold or refusal
        return untold

    return every


def gates_of(filters: Filters, book: Book) -> dict[str, Gate]:
    """Return each filter that is in use, by its name, in the order in which they are asked."""
    found = {"categories": _categories(filters)}
    if filters.status != "approved":
        found["status"] = _status(wants_paid=filters.status == "approved_and_paid")
    if filters.from_date is not None or filters.to_date is not None:
        found["dates"] = _dates(filters)
    if filters.from_amount is not None or filters.to_amount is not None:
        found["amounts"] = _amounts(filters, book)
    if filters.cost_centres:
        found["costCentres"] = _codes("costCentre", "filter_cost_centre", filters.cost_centres)
    if filters.projects:
        found["projects"] = _codes("project", "filter_project", filters.projects)
    return found


def _categories(filters: Filters) -> Gate:
    categories = frozenset(filters.categories)

    def gate(content: Content) -> Excluded | None:
        category = content["category"]
        if category in categories:
            return None
        return _left_out("filter_category", "category", content, category=category)

    return gate


def _status(*, wants_paid: bool) -> Gate:
    code = "filter_not_paid" if wants_paid else "filter_paid"

    def gate(content: Content) -> Excluded | None:
        if bool(content.get("paid")) is wants_paid:
            return None
        return _left_out(code, "paid", content)

    return gate


def _dates(filters: Filters) -> Gate:
    """Days are Oslo's. A record without the moment that the range is about is held."""
    first, last = filters.from_date, filters.to_date
    key = "approvedAt" if filters.date_field == "approved" else "createdAt"

    def gate(content: Content) -> Missing | Excluded | None:
        moment = content.get(key)
        if moment is None:
            return Missing((Problem("filter_date_missing", key, record=content["sourceId"]),))
        day = local_date(moment)
        if first is not None and day < first:
            return _left_out("filter_before", key, content, day=str(day), bound=str(first))
        if last is not None and day > last:
            return _left_out("filter_after", key, content, day=str(day), bound=str(last))
        return None

    return gate


def _amounts(filters: Filters, book: Book) -> Gate:
    """A claim whose amount in the book's currency nobody can tell is held."""
    least, most, currency = filters.from_amount, filters.to_amount, book.currency

    def gate(content: Content) -> Missing | Excluded | None:
        amount = claim_amount(content, book)
        if amount is None:
            params = {"currency": content["currency"], "book": currency}
            record = content["sourceId"]
            return Missing(
                (Problem("filter_amount_unknown", "exchangeRate", None, record, params),)
            )
        for code, bound, outside in (
            ("filter_amount_below", least, least is not None and amount < least),
            ("filter_amount_above", most, most is not None and amount > most),
        ):
            if outside and bound is not None:
                return _left_out(
                    code, "lines", content, amount=amount_text(amount), bound=amount_text(bound),
                    currency=currency,
                )  # fmt: skip
        return None

    return gate


def _codes(key: str, code: str, listed: tuple[str, ...]) -> Gate:
    """A line has its own code, else the claim's; a record without lines has the claim's."""
    known = frozenset(listed)

    def gate(content: Content) -> Excluded | None:
        general = content.get(key, "")
        for number, given in _given(content, key, general):
            if given not in known:
                problem = Problem(
                    code if given else f"{code}_none",
                    f"lines[{number}].{key}" if number else key,
                    number or None,
                    content["sourceId"],
                    {"code": given} if given else {},
                )
                return Excluded(problem)
        return None

    return gate


def _given(content: Content, key: str, general: str) -> Iterator[tuple[int, str]]:
    lines = content.get("lines")
    if not lines:
        yield 0, general
    for number, line in enumerate(lines or (), 1):
        yield number, line.get(key) or general


def _left_out(problem_code: str, field: str, content: Content, **params: str) -> Excluded:
    return Excluded(Problem(problem_code, field, record=content["sourceId"], params=params))


def check_declaration(content: Content, required: Mapping[str, Any], gaps: Gaps) -> None:
    """List what an honorarium lacks; `required` is the organization's declaration (I8).

    Without a recorded sign-off nothing is posted, whatever the record carries.
    """
    signed_off = all(
        required.get(key) for key in ("templateId", "version", "signedOffBy", "signedOffAt")
    )
    if not signed_off:
        gaps.add("declaration_not_signed_off", "declaration")
    given = content.get("declaration", NOTHING)
    if not given:
        gaps.add("declaration_missing", "declaration")
    elif signed_off and any(given.get(k) != str(required[k]) for k in ("templateId", "version")):
        gaps.add(
            "declaration_version",
            "declaration.version",
            required=f"{required['templateId']} {required['version']}",
            found=f"{given.get('templateId')} {given.get('version')}",
        )
