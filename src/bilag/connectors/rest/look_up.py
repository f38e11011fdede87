"""Asks the system for our references: posted, staged, absent, or cannot be told.

Only an answer the settings describe decides anything; a failed or odd look-up is CannotTell.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NoReturn

from bilag.connectors.faults import evidence_of, status_problem, transport_problem
from bilag.connectors.http import ExchangeError, HttpAnswer
from bilag.connectors.oauth import LoginFailed
from bilag.connectors.rest.answers import Proof
from bilag.connectors.rest.pointer import MISSING, compile_pointer, text_at, value_at
from bilag.connectors.rest.settings import LookUp, Names, RestSettings
from bilag.connectors.rest.wire import Wire
from bilag.core.money import AmountError, parse_amount
from bilag.core.outcome import (
    Absent,
    CannotTell,
    Evidence,
    Found,
    Posted,
    PostedLine,
    Staged,
)
from bilag.core.problem import Problem


async def look_up_all(wire: Wire, references: Sequence[str]) -> Mapping[str, Found]:
    """Return what is found for each reference; many are asked at once, within the limit."""
    at_once = asyncio.Semaphore(wire.settings.requests_in_flight_max)

    async def one(reference: str) -> Found:
        async with at_once:
            return await look_up(wire, reference)

    distinct = list(dict.fromkeys(references))
    return dict(zip(distinct, await asyncio.gather(*map(one, distinct)), strict=True))


async def look_up(
    wire: Wire, reference: str, *, repeat: bool = True, timeout_seconds: float | None = None
) -> Found:
    """Return what the system knows of one reference; never raises.

    `repeat` asks a second time at once when the first got no sound answer.
    """
    rules = wire.settings.look_up
    if rules is None:
        return _undecided(Problem("connector.no_look_up"), Evidence())
    url = wire.url(rules.path, reference)
    try:
        answer = await (wire.read_again(url) if repeat else wire.read(url, timeout_seconds))
    except LoginFailed as error:
        outcome = error.outcome
        return CannotTell(outcome.message, outcome.evidence, outcome.problem)
    except ExchangeError as error:
        return _undecided(transport_problem(error, str(url)), evidence_of(error))
    evidence = wire.evidence(answer)
    if answer.status in rules.absent_statuses:
        return Absent(evidence)
    if answer.status not in rules.found_statuses:
        return _undecided(status_problem(answer, str(url)), evidence)
    return _found(wire.settings, rules, answer, reference, evidence, url.path)


def _found(
    settings: RestSettings,
    rules: LookUp,
    answer: HttpAnswer,
    reference: str,
    evidence: Evidence,
    path: str,
) -> Found:
    document = _read_exact(answer.body)
    if document is MISSING:
        return _undecided(Problem("connector.not_json", params={"path": path}), evidence)
    hits = value_at(document, compile_pointer(rules.hits))
    if isinstance(hits, dict):
        hits = [hits]
    if not isinstance(hits, list):
        return _unreadable(rules.hits or "/", evidence)
    pointer = compile_pointer(rules.reference)
    ours: list[object] = []
    others: list[object] = []
    for hit in hits:
        theirs = text_at(hit, pointer)
        if not theirs:
            return _unreadable(rules.reference, evidence)
        (ours if theirs == reference else others).append(hit)
    if ours:
        # A hit with exactly our reference is proof, whatever else the search returned.
        return _standing(rules, settings.body.names, ours, evidence)
    if others:
        params = {"reference": reference, "other": text_at(others[0], pointer)[:60]}
        return _undecided(Problem("connector.other_reference", params=params), evidence)
    return Absent(evidence)


def _standing(rules: LookUp, names: Names, hits: list[object], evidence: Evidence) -> Found:
    hit = hits[0]
    external = text_at(hit, compile_pointer(rules.external_reference))
    if not external:
        return _unreadable(rules.external_reference, evidence)
    booked = Proof.of(rules.booked)
    if not any(booked.holds(one) for one in hits):
        return Staged(external, evidence)
    return Posted(
        external,
        text_at(hit, compile_pointer(rules.voucher_number)) if rules.voucher_number else "",
        _amount_at(hit, rules.amount),
        len(hits),
        evidence,
        _lines_at(hit, rules.lines, names),
        text_at(hit, compile_pointer(rules.reversed_by)) if rules.reversed_by else "",
    )


def _amount_at(hit: object, pointer: str) -> Decimal | None:
    value = value_at(hit, compile_pointer(pointer)) if pointer else MISSING
    try:
        return parse_amount(value)
    except AmountError:
        return None


def _lines_at(hit: object, pointer: str, names: Names) -> tuple[PostedLine, ...]:
    """Return the lines of a hit by the names of the body; none when one of them is unreadable."""
    lines = value_at(hit, compile_pointer(pointer)) if pointer else MISSING
    found = []
    for line in lines if isinstance(lines, list) else ():
        amount = _amount_at(line, _pointer(names.amount))
        if amount is None:
            return ()
        cost_centre = names.cost_centre and text_at(
            line, compile_pointer(_pointer(names.cost_centre))
        )
        account = text_at(line, compile_pointer(_pointer(names.account)))
        found.append(PostedLine(account, amount, cost_centre))
    return tuple(found)


def _pointer(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"


def _read_exact(body: bytes) -> object:
    """Parse JSON with numbers as decimals: these amounts are compared with ours."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return MISSING


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _unreadable(missing: str, evidence: Evidence) -> CannotTell:
    return _undecided(Problem("connector.hit_unreadable", params={"missing": missing}), evidence)


def _undecided(problem: Problem, evidence: Evidence) -> CannotTell:
    return CannotTell(problem.text(), evidence, problem)
