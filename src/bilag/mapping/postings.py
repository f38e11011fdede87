"""Where each line of a claim is posted: account, VAT code, cost centre, project, counter-account.

What the expense type says wins, then what the claim says, then the default of its category (C9).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from bilag.core.money import amount_text
from bilag.core.record import CATEGORIES
from bilag.mapping.amounts import AMOUNT_LIMIT, ZERO, Costs
from bilag.mapping.document import CodeTable, MappingDocument, Posting
from bilag.mapping.paths import Content
from bilag.mapping.result import Gaps

# Stands in for what is missing, so that everything missing is found in one go; where there are gaps
# no voucher is made.
UNKNOWN_ACCOUNT = "?"

Resolver = Callable[[str | None, str, Content, Content], str | None]


@dataclass(frozen=True, slots=True)
class _Target:
    """The posting of one expense type within one record category."""

    account: str
    counter_account: str
    vat_code: str | None = None
    cost_centre: str | None = None
    project: str | None = None
    default_vat_code: str = ""
    default_cost_centre: str = ""
    default_project: str = ""


@dataclass(slots=True)
class Draft:
    """One posting before its text and fields are made; `number` is its first line, from 1."""

    number: int
    line: Content
    amount: Decimal
    account: str
    counter_account: str
    vat_code: str
    cost_centre: str
    project: str


_UNKNOWN = _Target(UNKNOWN_ACCOUNT, UNKNOWN_ACCOUNT)


class Postings:
    """The tables of one mapping version, resolved once for each record category."""

    __slots__ = ("_carries_vat", "_cost_centre", "_fallbacks", "_project", "_targets", "_vat_code")

    def __init__(self, document: MappingDocument, carries_vat: bool) -> None:
        self._targets: dict[str, dict[str, _Target]] = {}
        self._fallbacks: dict[str, _Target | None] = {}
        defaults = {str(category): posting for category, posting in document.defaults.items()}
        for category in CATEGORIES:
            default = defaults.get(category, Posting())
            counter = default.counter_account or document.counter_account
            self._targets[category] = {
                name: _target(posting, default, counter)
                for name, posting in document.categories.items()
                if posting.account
            }
            self._fallbacks[category] = (
                _target(Posting(account=default.account), default, counter)
                if default.account
                else None
            )
        self._vat_code = _resolver("vatCode", document.vat_codes)
        self._cost_centre = _resolver("costCentre", document.cost_centres)
        self._project = _resolver("project", document.projects)
        self._carries_vat = carries_vat

    def drafts(
        self, content: Content, costs: Costs, clearing_account: str, gaps: Gaps
    ) -> list[Draft]:
        """Return a posting for each line of `costs`, in order, and list every gap of every line.

        A clearing account, where given, takes the place of the counter-accounts.
        """
        category = content["category"]
        targets, fallback = self._targets[category], self._fallbacks[category]
        drafts = []
        for (number, line), amount in zip(costs.numbered, costs.amounts, strict=True):
            if amount is None:
                currency = content["currency"]
                gaps.add("no_book_amount", "bookAmount", number, currency=currency)
            elif abs(amount) >= AMOUNT_LIMIT:
                gaps.add("amount_too_large", "bookAmount", number)
            type_ = line.get("type", "")
            target = targets.get(type_, fallback)
            if target is None:
                gaps.add("type_not_mapped", "type", number, type=type_)
                target = _UNKNOWN
            counter = clearing_account or target.counter_account
            if not counter:
                gaps.add("counter_account_missing", "type", number, type=type_)
            vat_code = self._vat_code(target.vat_code, target.default_vat_code, line, content)
            cost_centre = self._cost_centre(
                target.cost_centre, target.default_cost_centre, line, content
            )
            project = self._project(target.project, target.default_project, line, content)
            if vat_code is None or cost_centre is None or project is None:
                _not_mapped(content, line, number, (vat_code, cost_centre, project), gaps)
            if vat_code and not self._carries_vat:
                gaps.add("vat_not_carried", "vatCode", number, code=vat_code)
            drafts.append(
                Draft(
                    number,
                    line,
                    amount or ZERO,
                    target.account,
                    counter,
                    vat_code or "",
                    cost_centre or "",
                    project or "",
                )
            )
        return drafts


def grouped(drafts: Iterable[Draft]) -> list[Draft]:
    """Return one posting for each account, VAT code, cost centre and project, in first-seen order.

    Of the lines' own values the merged line keeps those on which all agree, and the sums of amount
    and (in one unit) quantity.
    """
    groups: dict[tuple[str, str, str, str], list[Draft]] = {}
    for draft in drafts:
        key = (draft.account, draft.vat_code, draft.cost_centre, draft.project)
        groups.setdefault(key, []).append(draft)
    return [group[0] if len(group) == 1 else _merged(group) for group in groups.values()]


def _merged(group: list[Draft]) -> Draft:
    first = group[0]
    lines = [draft.line for draft in group]
    line = {
        key: value
        for key, value in first.line.items()
        if all(other.get(key) == value for other in lines)
    }
    summed = ["amount"]
    if len({other.get("unit") for other in lines}) == 1 and all("quantity" in o for o in lines):
        summed.append("quantity")
    else:
        line.pop("quantity", None)
    for key in summed:
        line[key] = amount_text(sum((Decimal(other[key]) for other in lines), ZERO))
    return Draft(
        first.number,
        line,
        sum((draft.amount for draft in group), ZERO),
        first.account,
        first.counter_account,
        first.vat_code,
        first.cost_centre,
        first.project,
    )


def _target(posting: Posting, default: Posting, counter_account: str) -> _Target:
    return _Target(
        account=posting.account,
        counter_account=posting.counter_account or counter_account,
        vat_code=posting.vat_code,
        cost_centre=posting.cost_centre,
        project=posting.project,
        default_vat_code=default.vat_code or "",
        default_cost_centre=default.cost_centre or "",
        default_project=default.project or "",
    )


def _resolver(key: str, table: CodeTable) -> Resolver:
    codes, passes = table.codes, table.unmapped == "pass"

    def resolve(fixed: str | None, default: str, line: Content, content: Content) -> str | None:
        if fixed is not None:
            return fixed
        code = line.get(key) or content.get(key)
        if not code:
            return default
        return codes.get(code, code if passes else None)

    return resolve


def _not_mapped(
    content: Content, line: Content, number: int, found: tuple[str | None, ...], gaps: Gaps
) -> None:
    kinds = (
        ("vat_code_not_mapped", "vatCode"),
        ("cost_centre_not_mapped", "costCentre"),
        ("project_not_mapped", "project"),
    )
    for (code, key), value in zip(kinds, found, strict=True):
        if value is None and key in line:
            gaps.add(code, key, number, code=line[key])
        elif value is None:
            gaps.add(code, key, code=content[key])
