"""Failed and held claims are found by an index: nothing of it touches more as history grows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from bilag.core.problem import Problem
from bilag.exports import causes, force
from bilag.exports.arrive import arrive
from bilag.exports.causes import Causes
from bilag.tenants.scope import organization_scope
from tests.database.test_watch_plans import _EXPORTS, _RECORDS, LONG, SHORT, blocks
from tests.simulation.world import World, claim, make_world

# (source id, state, reason): what keeps the first claims
REFUSED = Problem("refused", "cost_centre", 2, params={"message": "Invalid cost center code: 9999"})


@pytest.fixture
def world(database: Any, tmp_path: Path) -> Iterator[World]:
    """An organization with a hundred claims of now; nothing is delivered here."""
    with make_world(
        database.application_url, database.owner_url, tmp_path,
        settings={"baseUrl": "http://127.0.0.1:9"},
    ) as made:  # fmt: skip
        with (
            made.pool.connection() as connection,
            organization_scope(connection, made.organization),
        ):
            arrive(connection, made.organization, [claim(number) for number in range(100)])
        yield made


def seed(world: World, first: int, last: int) -> None:
    """Add claims of the years before, all of them exported."""
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        for statement in (_RECORDS, _EXPORTS):
            owner.execute(statement, {"first": first, "last": last})
        owner.execute("VACUUM ANALYZE")


def keep(world: World, state: str, reason: dict[str, Any], first: int, last: int) -> None:
    """Let claims fail or be held for a reason."""
    for step in ("sending", state) if state == "failed" else (state,):
        world.query(
            "UPDATE exports SET state = %s, reason = %s::jsonb WHERE source_id BETWEEN %s AND %s",
            step, orjson.dumps(reason).decode(), f"C{first:06d}", f"C{last:06d}",
        )  # fmt: skip


def grouped(world: World, state: str = "failed", **wanted: Any) -> Causes:
    with (
        world.pool.connection() as connection,
        organization_scope(connection, world.organization),
    ):
        return causes.causes(connection, state, **wanted)


def measured(world: World) -> dict[str, int]:
    one = {"state": "failed", "integration": None, "cause": None, "skip": 0, "limit": 50,
           "most": causes.LOOKED_AT_MAX + 1}  # fmt: skip
    found = grouped(world).page[0]
    of_one = {**one, "integration": found.integration_id, "cause": found.key, "after": 0,
              "nothing": ["none"]}  # fmt: skip
    claims = (
        causes._CLAIMS + "SELECT l.id FROM looked l"
        " WHERE %(cause)s = ANY (coalesce(l.causes, %(nothing)s)) ORDER BY l.id LIMIT %(limit)s"
    )
    return {
        "causes": blocks(world, causes._CAUSES, one),
        "causes of one": blocks(world, causes._CAUSES, {**of_one, "cause": None}),
        "one cause": blocks(world, causes._CAUSES, of_one),
        "claims": blocks(world, claims, of_one),
        "approvals": blocks(world, force._WAITING, [force._WAITS, 0, 50]),
    }


def test_no_list_of_what_is_to_be_repaired_grows_with_history(world: World) -> None:
    keep(world, "failed", REFUSED.as_json(), 0, 29)
    seed(world, 1, SHORT)
    short = measured(world)
    seed(world, SHORT + 1, LONG)
    long = measured(world)
    grown = {name: (short[name], long[name]) for name in short if long[name] > 2 * short[name] + 50}
    assert not grown


def test_claims_of_one_cause_stand_together_whatever_differs_between_them(world: World) -> None:
    """Our reference, the line, the place in a batch and in a journal are no part of a cause."""
    said = (
        "Invalid cost center code: 9999",
        "glImportItems[{n}].account.code: No value matching owner 1, code '9999'.",
        "The value is not allowed. Gen. Journal Line GENERAL, EXP{n}, {n}0000",
        "Journal Batch Name='EXP{n}',Line No.='{n}0000': Account 9999 is blocked",
    )
    for kind, message in enumerate(said):
        for number in range(5):
            line = number + 1
            problem = Problem("refused", "account", line, params={
                "message": message.format(n=number)})  # fmt: skip
            place = kind * 5 + number
            keep(world, "failed", problem.as_json(), place, place)
    found = grouped(world)
    assert [one.count for one in found.page] == [5] * len(said)
    assert (found.total, found.claims, found.is_all) == (4, 20, True)
    other = Problem("refused", "account", 1, params={"message": "Invalid cost center code: 9998"})
    keep(world, "failed", other.as_json(), 50, 50)
    assert grouped(world).total == 5


def test_each_thing_that_a_claim_lacks_is_a_cause(world: World) -> None:
    def lacks(*types: str) -> dict[str, Any]:
        problems = [
            Problem("type_not_mapped", f"lines[{at}].type", at, params={"type": kind}).as_json()
            for at, kind in enumerate(types, 1)
        ]
        return problems[0] if len(problems) == 1 else {"code": "several", "problems": problems}

    keep(world, "held", lacks("taxi"), 0, 2)
    keep(world, "held", lacks("taxi", "hotel", "taxi"), 3, 4)
    keep(world, "held", lacks("taxi", "taxi"), 5, 5)
    taxi, hotel = grouped(world, "held").page
    assert (taxi.count, taxi.alone, hotel.count, hotel.alone) == (6, 4, 2, 0)
    assert (taxi.problem and taxi.problem.params, hotel.problem and hotel.problem.params) == (
        {"type": "taxi"}, {"type": "hotel"},
    )  # fmt: skip
    assert sum(taxi.sums.values()) == sum(
        amount for (amount,) in world.query("SELECT amount FROM exports WHERE state = 'held'")
    )
    one = grouped(world, "held", cause=hotel.key)
    assert [found.key for found in one.page] == [hotel.key]
    released = world.exports.release_held_exports("ledger", cause=hotel.key)
    assert len(released) == 2
    assert grouped(world, "held").claims == 4


def test_many_causes_come_in_pages_and_what_has_no_reason_is_one(world: World) -> None:
    for number in range(60):
        problem = Problem("claimant_not_mapped", "claimant.id", params={"claimant": f"V{number}"})
        keep(world, "held", problem.as_json(), number, number)
    world.query("UPDATE exports SET state = 'held' WHERE source_id >= 'C000060'")
    first = grouped(world, "held", limit=50)
    assert (first.total, first.claims, len(first.page)) == (61, 100, 50)
    assert (first.page[0].key, first.page[0].problem, first.page[0].count) == ("none", None, 40)
    rest = grouped(world, "held", skip=50, limit=50)
    assert len({one.key for one in (*first.page, *rest.page)}) == 61
    with psycopg.connect(world.owner_url) as owner:
        assert owner.execute("SELECT count(*) FROM exports WHERE causes IS NULL").fetchone() == (
            40,
        )
