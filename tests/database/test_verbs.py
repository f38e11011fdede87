"""The verbs for people and programs, by what the database holds: decide, withdraw, run status."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bilag.exports.decide import DecisionRefused, withdraw_async
from bilag.exports.recover import unfollowed_withdrawals
from bilag.tenants.scope import organization_scope_async
from tests.clusters import Database
from tests.simulation.conftest import rest_settings
from tests.simulation.world import World, claim, make_world


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """An organization whose accounting system nobody runs: in these tests nothing is sent."""
    settings = rest_settings("http://127.0.0.1:9")
    with make_world(
        database.application_url, database.owner_url, tmp_path, settings=settings
    ) as running:
        yield running


def bring(world: World, generation: int, *states: str, part: int = 0) -> int:
    """Take the claim's only export of a generation and part through states; returns its id."""
    ((export_id,),) = world.query(
        "SELECT id FROM exports WHERE generation = %s AND part = %s", generation, part
    )
    for state in states:
        world.query("UPDATE exports SET state = %s WHERE id = %s", state, export_id)
    return int(export_id)


def exports(world: World) -> list[tuple[Any, ...]]:
    """Return generation, part, kind, state and live of every export."""
    return world.query(
        "SELECT generation, part, kind, state, live FROM exports ORDER BY generation, part"
    )


@pytest.mark.parametrize("decision", ["exported", "failed", "cancelled"])
def test_a_decision_leaves_the_newer_generation_alone(world: World, decision: str) -> None:
    world.accept([claim(1)])
    world.accept([replace(claim(1), revision=2)])
    late = bring(world, 1, "needs_review")
    with pytest.raises(DecisionRefused) as refused:
        world.exports.decide_export(late, to_state="pending", reason="not found there")
    assert refused.value.problem.code == "not_current"
    assert world.states() == {"needs_review": 1, "pending": 1}
    world.exports.decide_export(late, to_state=decision, reason="looked it up")
    assert exports(world) == [
        (1, 0, "original", decision, False),
        (2, 0, "revision", "pending", True),
    ]


def test_a_cancelled_export_that_was_posted_after_all_counts_again(world: World) -> None:
    world.accept([claim(1)])
    late = bring(world, 1)
    world.exports.cancel_export(late)
    bring(world, 1, "needs_review")
    with pytest.raises(DecisionRefused):
        world.exports.decide_export(late, to_state="pending", reason="send it again")
    world.exports.decide_export(late, to_state="exported", reason="found as voucher 4711")
    world.accept([replace(claim(1), revision=2)])
    assert exports(world) == [
        (1, 0, "original", "exported", True),
        (2, 0, "correction", "held", False),
    ], "a revision of what was posted is never a second voucher"


def test_only_what_needs_review_is_decided(world: World) -> None:
    world.accept([claim(1)])
    with pytest.raises(DecisionRefused) as refused:
        world.exports.decide_export(bring(world, 1), to_state="exported", reason="I think so")
    assert refused.value.problem.params == {"state": "pending"}
    with pytest.raises(LookupError):
        world.exports.decide_export(4711, to_state="exported", reason="I think so")


def test_a_withdrawn_claim_of_two_years_is_cancelled_in_one_and_reversed_in_the_other(
    world: World,
) -> None:
    accept_two_years(world)
    bring(world, 1, "sending", "exported", part=2025)
    counts = world.exports.withdraw_approval("app", "C000001")
    assert counts == {"cancelled": 1, "inFlight": 0, "reversalsProposed": 1}
    assert exports(world) == [
        (1, 2025, "original", "exported", True),
        (1, 2026, "original", "cancelled", False),
        (2, 2025, "reversal", "held", False),
    ]
    assert world.query("SELECT sum(amount) FROM exports WHERE part = 2025") == [(0,)]


@pytest.mark.parametrize(
    ("settled", "follows"),
    [
        ("exported", (2, 2026, "reversal", "held", False)),
        ("pending", (1, 2026, "original", "cancelled", False)),
    ],
)
def test_the_year_in_flight_is_followed_though_the_other_is_reversed_already(
    world: World, settled: str, follows: tuple[Any, ...]
) -> None:
    accept_two_years(world)
    bring(world, 1, "sending", "exported", part=2025)
    bring(world, 1, "sending", "in_doubt", part=2026)
    counts = world.exports.withdraw_approval("app", "C000001")
    assert counts == {"cancelled": 0, "inFlight": 1, "reversalsProposed": 1}
    assert asyncio.run(_follow(world)) == []
    bring(world, 1, settled, part=2026)
    assert asyncio.run(_follow(world)) == [("app", "C000001")]
    after = exports(world)
    # a reversal is a generation of its own; which number it gets does not matter
    assert (follows in after) or (3, *follows[1:]) in after, after
    assert asyncio.run(_follow(world)) == [], "followed once"


def test_an_integration_stopped_by_an_error_says_so_in_the_run_status(world: World) -> None:
    assert world.exports.get_run_status()[1] == {"ledger": "active"}
    world.query("UPDATE integration_runtime SET error_since = now(), error_message = 'refused'")
    assert world.exports.get_run_status()[1] == {"ledger": "error"}
    world.query("UPDATE organization_integrations SET enabled = false")
    assert world.exports.get_run_status()[1] == {"ledger": "disabled"}


def accept_two_years(world: World) -> None:
    """Accept a claim with costs on both sides of the turn of the year, as two exports."""
    bus, lunch = claim(1).lines
    lines = (replace(bus, date=date(2025, 12, 30)), replace(lunch, date=date(2026, 1, 2)))
    world.accept([replace(claim(1), lines=lines)])
    assert [row[:2] for row in exports(world)] == [(1, 2025), (1, 2026)]


async def _follow(world: World) -> list[tuple[str, str]]:
    """Follow withdrawn approvals as a sync does; returns the claims that needed it."""
    async with await psycopg.AsyncConnection.connect(
        world.application_url, autocommit=True
    ) as connection:
        found = await unfollowed_withdrawals(connection, world.organization, world.integration)
        for system, source in found:
            async with organization_scope_async(connection, world.organization):
                await withdraw_async(connection, world.organization, system, source)
    return found
