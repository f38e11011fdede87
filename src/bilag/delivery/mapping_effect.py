"""What a change of mapping does to the claims that wait, told before it is saved.

Each claim is mapped by both documents; bounded in time, so that much that waits is told in part.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bilag.connectors.interface import Connector
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.core.voucher import Voucher
from bilag.exports.affected import MAPPING_CODES, AffectedRecord
from bilag.integrations.model import Integration
from bilag.mapping.result import Excluded, Missing
from bilag.mapping.voucher import Mapping as CompiledMapping

EXAMPLES_MAX = 20
_CHANGES_MAX = 5
_LINE_FIELDS = ("account", "vat_code", "cost_centre", "project", "party", "text")
_NAMES = {"vat_code": "vatCode", "cost_centre": "costCentre"}


@dataclass(frozen=True, slots=True)
class AlteredValue:
    """One value of a voucher before and after; `line` counts from 1, None is the voucher's own."""

    line: int | None
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class AffectedClaim:
    """One claim that a change concerns: why it would be held, or what would be sent otherwise."""

    source_id: str
    state: str
    currency: str
    amount: Decimal
    problems: tuple[Problem, ...] = ()
    altered: tuple[AlteredValue, ...] = ()


@dataclass(slots=True)
class Affected:
    """The claims that meet one fate: how many in which state, their sums, and examples."""

    count: int = 0
    states: Counter[str] = field(default_factory=Counter)
    sums: dict[str, Decimal] = field(default_factory=dict)
    examples: list[AffectedClaim] = field(default_factory=list)

    def add(
        self,
        record: AffectedRecord,
        problems: Iterable[Problem] = (),
        altered: Iterable[AlteredValue] = (),
    ) -> None:
        """Count one claim, and keep it as an example while there are few."""
        self.count += 1
        self.states[record.state] += 1
        self.sums[record.currency] = self.sums.get(record.currency, Decimal(0)) + record.amount
        if len(self.examples) < EXAMPLES_MAX:
            example = AffectedClaim(
                record.source_id, record.state, record.currency, record.amount,
                tuple(problems), tuple(altered),
            )  # fmt: skip
            self.examples.append(example)


@dataclass(slots=True)
class Cause:
    """What keeps claims back, and how many: a problem that another mapping may cure."""

    problem: Problem
    claims: int = 0


@dataclass(slots=True)
class Effect:
    """What would come of a change: released, held that goes now, altered, and all the rest.

    `looked_at` of `waiting` claims were mapped in the time there was; `sent_again` of them go out
    with their stored bytes whatever the mapping says. `lacking` of them the new mapping holds,
    whatever becomes of them now, for these `causes`.
    """

    waiting: int
    looked_at: int = 0
    sent_again: int = 0
    released: Affected = field(default_factory=Affected)
    held: Affected = field(default_factory=Affected)
    altered: Affected = field(default_factory=Affected)
    unchanged: int = 0
    lacking: int = 0
    _causes: dict[tuple[str, ...], Cause] = field(default_factory=dict)

    @property
    def causes(self) -> list[Cause]:
        """Return why claims would be held, what concerns most of them first."""
        return sorted(self._causes.values(), key=lambda one: -one.claims)

    def lack(self, problems: Iterable[Problem]) -> None:
        """Count a claim that the new mapping holds, once for each cause."""
        found = {
            (one.code, *map(str, one.params.values())): one
            for one in problems
            if one.code in MAPPING_CODES
        }
        self.lacking += bool(found)
        for cause, problem in found.items():
            self._causes.setdefault(cause, Cause(problem)).claims += 1

    @property
    def is_whole(self) -> bool:
        """Return whether every claim that waits was looked at."""
        return self.looked_at >= self.waiting


@dataclass(frozen=True, slots=True)
class _Way:
    """A mapping with the connector that would write its vouchers."""

    mapping: CompiledMapping
    connector: Connector[Any]
    settings: Any

    def voucher(self, record: AffectedRecord, number: int) -> Voucher | tuple[Problem, ...]:
        open_day = self.mapping.policy_day or record.open_day
        result = self.mapping.voucher(record.content, record.reference, record.part, open_day)
        if isinstance(result, Missing):
            return result.problems
        if isinstance(result, Excluded):
            return (result.problem,)
        result.number = record.voucher_number or number
        return result

    def body(self, voucher: Voucher) -> bytes | tuple[Problem, ...]:
        try:
            return self.connector.build([voucher], self.settings)[0].body
        except ValueError as error:
            params = {"message": str(error)}
            return (Problem("cannot_be_built", record=voucher.source_id, params=params),)


def effect_of(
    records: Iterable[AffectedRecord],
    waiting: int,
    integration: Integration,
    connector: Connector[Any],
    settings: Any,
    old: CompiledMapping | None,
    new: CompiledMapping,
    *,
    seconds: float,
) -> Effect:
    """Return what comes of the new mapping for records in `seconds`; `old` None: nothing goes now.

    A claim that is held goes only when it is released; saving a mapping releases what a mapping can
    cure (see exports.affected).
    """
    found = Effect(waiting)
    number = integration.book.number_start
    before = None if old is None else _Way(old, connector, settings)
    after = _Way(new, connector, settings)
    # Failure policy: what is not looked at in time is not told; the answer says how many were.
    until = time.monotonic() + seconds
    for record in records:
        if found.looked_at and time.monotonic() > until:
            break
        found.looked_at += 1
        if record.sent_again:
            found.sent_again += 1
        else:
            _judge(found, record, before, after, number)
    return found


def _judge(
    found: Effect, record: AffectedRecord, before: _Way | None, after: _Way, number: int
) -> None:
    goes = None if before is None or record.state == "held" else before.voucher(record, number)
    will = after.voucher(record, number)
    if isinstance(goes, Voucher) and goes == will:
        found.unchanged += 1
        return
    first = before.body(goes) if before is not None and isinstance(goes, Voucher) else None
    second = after.body(will) if isinstance(will, Voucher) else will
    if not isinstance(second, bytes):
        found.lack(second)
    if isinstance(second, bytes):
        if not isinstance(first, bytes):
            if record.state == "held" and not record.curable:
                found.unchanged += 1
            else:
                found.released.add(record)
        elif first != second and isinstance(goes, Voucher) and isinstance(will, Voucher):
            found.altered.add(record, altered=_altered(goes, will))
        else:
            found.unchanged += 1
    elif isinstance(first, bytes):
        found.held.add(record, second)
    else:
        found.unchanged += 1


def _altered(before: Voucher, after: Voucher) -> list[AlteredValue]:
    """Return the first values that differ, the voucher's own first."""
    found = [
        AlteredValue(None, name, first, second)
        for name, first, second in (
            ("text", before.text, after.text),
            ("lines", str(len(before.lines)), str(len(after.lines))),
        )
        if first != second
    ]
    found += _fields(None, before.fields, after.fields)
    for number, (old, new) in enumerate(zip(before.lines, after.lines, strict=False), 1):
        if old == new:
            continue
        found += [
            AlteredValue(number, _NAMES.get(name, name), getattr(old, name), getattr(new, name))
            for name in _LINE_FIELDS
            if getattr(old, name) != getattr(new, name)
        ]
        if old.amount != new.amount:
            amounts = amount_text(old.amount), amount_text(new.amount)
            found.append(AlteredValue(number, "amount", *amounts))
        found += _fields(number, old.fields, new.fields)
        if len(found) >= _CHANGES_MAX:
            break
    return found[:_CHANGES_MAX]


def _fields(
    line: int | None, before: Mapping[str, str], after: Mapping[str, str]
) -> list[AlteredValue]:
    return [
        AlteredValue(line, name, before.get(name, ""), after.get(name, ""))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]
