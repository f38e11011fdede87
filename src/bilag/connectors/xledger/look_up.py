"""Asks Xledger for our references: booked, waiting in the import, refused there, or absent.

The import is read before the booked entries: a row that is booked in between is then seen there,
and not missed in both. Only what was read in full decides anything.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bilag.connectors.http import EVIDENCE_CHARACTERS_MAX
from bilag.connectors.xledger.answers import XLEDGER_TIME
from bilag.connectors.xledger.look_up_settings import Search
from bilag.connectors.xledger.pages import Row, code_of, id_order, literal, read_pages
from bilag.connectors.xledger.settings import COST_CENTRE
from bilag.connectors.xledger.standing import posted
from bilag.connectors.xledger.wire import ReadFailed, Wire, unreadable
from bilag.core.outcome import (
    Absent,
    BookingRefused,
    CannotTell,
    Evidence,
    Found,
    Staged,
)
from bilag.core.problem import Problem

# Our clock and theirs may differ, and an hour a year is told twice: a day covers both.
MARGIN = timedelta(days=1)
REFERENCES_IN_QUERY = 100

_REFERENCE = re.compile(r"\bB[A-Z2-7]{19}\b")
_ITEM = "dbId extIdentifier createdAt"
_ENTRY = "dbId extIdentifier amount transactionNumber transactionHeader { dbId transactionNumber }"
_TRANSACTION = "dbId text amount header { dbId transactionNumber text createdAt }"


@dataclass(slots=True)
class Seen:
    """The rows of each reference in one list of Xledger, and which references it failed for."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    failed: dict[str, CannotTell] = field(default_factory=dict)
    milliseconds: int = 0

    def fail(self, references: Sequence[str], why: CannotTell) -> None:
        """Let what was not found stay undecided; a row that was found is proof all the same."""
        self.failed |= {ref: why for ref in references if ref not in self.rows}


async def look_up_all(
    wire: Wire,
    references: Sequence[str],
    since: datetime | None,
    timeout_seconds: float | None = None,
) -> dict[str, Found]:
    """Return what is found for each reference; a list that could not be read decides nothing."""
    distinct = list(dict.fromkeys(references))
    rules = wire.settings.look_up
    staged = await staged_rows(wire, distinct, since, timeout_seconds)
    booked = await _booked_rows(wire, distinct, since, timeout_seconds)
    found: dict[str, Found] = {}
    waiting: dict[str, list[Row]] = {}
    slot = _cost_centre_slot(wire)
    for reference in distinct:
        rows, items = booked.rows.get(reference, []), staged.rows.get(reference, [])
        if rows and (rules.posted_rows_stay or not items):
            found[reference] = posted(rows, slot, evidence_of_rows(wire, rows, booked))
        elif failure := staged.failed.get(reference) or booked.failed.get(reference):
            found[reference] = failure
        elif items:
            waiting[reference] = items
            found[reference] = Staged(first_id(items), evidence_of_rows(wire, items, staged))
        else:
            found[reference] = Absent(Evidence(200, "", booked.milliseconds))
    if waiting and rules.error_link != "none":
        refused = await _import_errors(wire, waiting, since, timeout_seconds)
        for reference, told in refused.items():
            rows = booked.rows.get(reference, [])
            # a copy that is refused takes nothing from one that is booked
            stands = bool(rows) and isinstance(told, BookingRefused)
            evidence = evidence_of_rows(wire, rows, booked)
            found[reference] = posted(rows, slot, evidence) if stands else told
    return found


async def staged_rows(
    wire: Wire,
    references: Sequence[str],
    since: datetime | None,
    timeout_seconds: float | None = None,
) -> Seen:
    """Return the import items of each reference."""
    how = wire.settings.look_up.staged_search
    return await _search(wire, references, "glImportItems", _ITEM, how, since, timeout_seconds)


async def _booked_rows(
    wire: Wire, references: Sequence[str], since: datetime | None, timeout_seconds: float | None
) -> Seen:
    rules = wire.settings.look_up
    slot = _cost_centre_slot(wire)
    lines = " account { code }" * rules.entry_lines
    lines += f" {slot} {{ code }}" if rules.entry_lines and slot else ""
    if rules.posted_in == "journalEntries":
        return await _search(
            wire, references, "journalEntries", _ENTRY + lines, rules.posted_search, since,
            timeout_seconds,
        )  # fmt: skip
    seen, wanted = Seen(), frozenset(references)
    until = _older(since, lambda row: code_of(row.get("header"), "createdAt"))
    try:
        async for rows, reply in read_pages(
            wire, "transactions", _TRANSACTION + lines, _owner_set(wire), until=until,
            timeout_seconds=timeout_seconds,
        ):  # fmt: skip
            seen.milliseconds += reply.answer.duration_ms
            before = sum(map(len, seen.rows.values()))
            for row in rows:
                text = f"{row.get('text') or ''} {code_of(row.get('header'), 'text')}"
                for reference in wanted.intersection(_REFERENCE.findall(text)):
                    seen.rows.setdefault(reference, []).append(row)
            passed = before == sum(map(len, seen.rows.values()))
            if since is None and passed and len(seen.rows) == len(wanted):
                break
    except ReadFailed as failure:
        seen.rows.clear()  # the newest pages alone may show a voucher's lines only in part
        seen.fail(references, failure.cannot_tell)
    return seen


async def _search(
    wire: Wire,
    references: Sequence[str],
    name: str,
    fields: str,
    how: Search,
    since: datetime | None,
    timeout_seconds: float | None,
) -> Seen:
    """Return the rows of each reference in a list that shows extIdentifier.

    A window without a beginning is read from the newest, until everything was seen and passed.
    """
    seen = Seen()
    backwards = how == "window" and since is None
    if how == "window":
        start = window_start(since)
        narrowed = f", filter: {{ modifiedAt_gte: {literal(start)} }}" if start else ""
        sets = [(list(references), narrowed)]
    elif how == "extIdentifier":
        sets = [([r], f", filter: {{ extIdentifier: {literal(r)} }}") for r in references]
    else:
        chunks = [
            list(references[at : at + REFERENCES_IN_QUERY])
            for at in range(0, len(references), REFERENCES_IN_QUERY)
        ]
        sets = [
            (chunk, f", filter: {{ extIdentifier_in: [{', '.join(map(literal, chunk))}] }}")
            for chunk in chunks
        ]

    async def one(asked: Sequence[str], narrowed: str) -> None:
        wanted, other = frozenset(asked), ""
        found: dict[str, list[Row]] = {}
        try:
            async for rows, reply in read_pages(
                wire, name, fields, narrowed + _owner_set(wire),
                until=_older(None, str) if backwards else None, timeout_seconds=timeout_seconds,
            ):  # fmt: skip
                seen.milliseconds += reply.answer.duration_ms
                before = sum(map(len, found.values()))
                for row in rows:
                    if "extIdentifier" not in row or not row.get("dbId"):
                        raise unreadable(f"/data/{name}/edges/node", reply.evidence)
                    theirs = str(row["extIdentifier"] or "")
                    if theirs in wanted:
                        found.setdefault(theirs, []).append(row)
                    else:
                        other = theirs or "-"
                passed = before == sum(map(len, found.values()))
                if backwards and passed and len(found) == len(wanted):
                    break
        except ReadFailed as failure:
            # a page is missing, so what was found may be less than there is
            seen.fail(asked, failure.cannot_tell)
            return
        seen.rows |= found
        if other and how != "window":
            params = {"reference": asked[0], "other": wire.http.redact(other)[:60]}
            problem = Problem("connector.other_reference", params=params)
            seen.fail(asked, CannotTell(problem.text(), problem=problem))

    await asyncio.gather(*(one(asked, narrowed) for asked, narrowed in sets))
    return seen


async def _import_errors(
    wire: Wire,
    waiting: Mapping[str, list[Row]],
    since: datetime | None,
    timeout_seconds: float | None,
) -> dict[str, Found]:
    """Return what waits with an error against it; all that waits, when errors cannot be read."""
    rules = wire.settings.look_up
    link = rules.error_link
    asked = "objectValue { dbId }" if link == "objectValue" else link
    owner: dict[str, tuple[str, int]] = {}
    for reference, items in waiting.items():
        for number, item in enumerate(sorted(items, key=_by_id), 1):
            owner[str(item["dbId"])] = (reference, number)
    errors: dict[str, list[tuple[int, str, Row]]] = {}
    try:
        async for rows, _ in read_pages(
            wire, "glImportItemErrors", f"createdAt message errorLevel {{ code }} {asked}",
            _owner_set(wire), until=_older(since, lambda row: str(row.get("createdAt") or "")),
            timeout_seconds=timeout_seconds,
        ):  # fmt: skip
            for row in rows:
                linked = row.get(link)
                linked = code_of(linked, "dbId") if link == "objectValue" else str(linked or "")
                level = code_of(row.get("errorLevel"))
                if linked in owner and level not in rules.error_levels_ignored:
                    reference, number = owner[linked]
                    said = wire.http.redact(str(row.get("message") or "no message"))
                    errors.setdefault(reference, []).append((number, said, row))
    except ReadFailed as failure:
        return dict.fromkeys(waiting, failure.cannot_tell)
    found: dict[str, Found] = {}
    for reference, listed in errors.items():
        listed.sort(key=lambda one: one[0])
        named = [(wire.blaming.field_in(said), number) for number, said, _ in listed]
        name, line = next((one for one in named if one[0]), named[0])
        said = "; ".join(dict.fromkeys(said for _, said, _ in listed))[:500]
        evidence = Evidence(200, _excerpt(wire, [row for _, _, row in listed]))
        found[reference] = BookingRefused(first_id(waiting[reference]), said, name, line, evidence)
    return found


def window_start(since: datetime | None) -> str:
    """Return the moment a window begins, in Xledger's own time; empty when nothing is known."""
    if since is None:
        return ""
    return (since.astimezone(XLEDGER_TIME) - MARGIN).strftime("%Y-%m-%dT%H:%M:%S")


def first_id(items: Sequence[Row]) -> str:
    """Return the smallest id, which is that of the first line as it came back when it was sent."""
    return str(min(items, key=_by_id)["dbId"])


def evidence_of_rows(wire: Wire, rows: Sequence[Row], seen: Seen) -> Evidence:
    """Return only the rows that count as evidence, not the pages they stood on."""
    return Evidence(200, _excerpt(wire, rows), seen.milliseconds)


def _excerpt(wire: Wire, rows: Sequence[Row]) -> str:
    written = json.dumps(rows, default=str, ensure_ascii=False)
    return wire.http.redact(written)[:EVIDENCE_CHARACTERS_MAX]


def _by_id(row: Row) -> tuple[int, str]:
    return id_order(str(row["dbId"]))


def _older(since: datetime | None, created: Callable[[Row], str]) -> Callable[[Row], bool]:
    start = window_start(since)
    return lambda row: bool(start) and "" < created(row) < start


def _owner_set(wire: Wire) -> str:
    chosen = wire.settings.look_up.owner_set
    return f", ownerSet: {chosen}" if chosen else ""


def _cost_centre_slot(wire: Wire) -> str:
    return next((name for name, ours in wire.settings.slots.items() if ours == COST_CENTRE), "")
