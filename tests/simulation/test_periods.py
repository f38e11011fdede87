"""Closed periods, by what the accounting system ended up with: held, moved, asked, opened (E15)."""

import signal
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bilag.delivery.crash_points import CrashPoint
from bilag.tenants.organizations import read_organization, save_organization
from bilag.tenants.scope import organization_scope
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import MakeWorld
from tests.simulation.proof import at_rest, posted, prove
from tests.simulation.world import World, claim

# The claims of the world are approved on 2 November 2026.
OCTOBER, NOVEMBER = date(2026, 10, 31), date(2026, 11, 30)
YEAR_END = date(2026, 12, 31)
CLAIMS = [claim(number) for number in range(6)]


def set_policy(world: World, policy: str) -> None:
    with world.pool.connection() as connection, organization_scope(connection, world.organization):
        organization = read_organization(connection, world.organization)
        assert organization is not None
        save_organization(connection, replace(organization, closed_periods=policy))


def entries(sandbox: SandboxProcess) -> dict[str, dict[str, Any]]:
    """Return what was posted for each claim; a claim posted twice fails the test."""
    found = sandbox.ledger()["entries"]
    assert len(found) == len({entry["reference"] for entry in found})
    return {entry["sourceId"]: entry for entry in found}


def codes(world: World) -> list[str]:
    rows = world.query("SELECT reason ->> 'code' FROM exports WHERE state = 'held' ORDER BY id")
    return [row[0] for row in rows]


def ids(world: World, *sources: str) -> list[int]:
    rows = world.query("SELECT id FROM exports WHERE source_id = ANY (%s)", list(sources))
    return [row[0] for row in rows]


def changes(world: World, event: str) -> list[dict[str, Any]]:
    rows = world.query("SELECT actor, detail FROM change_logs WHERE event = %s ORDER BY id", event)
    return [{"actor": actor, **detail} for actor, detail in rows]


def test_stop_holds_until_the_period_is_opened_again(world: World, sandbox: SandboxProcess) -> None:
    world.exports.close_period("main", NOVEMBER)
    world.accept(CLAIMS)
    world.start_worker()
    assert world.wait_for(at_rest) == {"held": 6}
    assert not posted(sandbox)
    ((reason,),) = world.query("SELECT DISTINCT reason - 'record' FROM exports")
    assert reason["code"] == "period_closed"
    assert reason["params"] == {"day": "2026-11-02", "closed": "2026-11-30", "open": "2026-12-01"}
    assert "2026-11-02" in reason["message"]
    assert "2026-11-30" in reason["message"]
    world.exports.close_period("main", OCTOBER)
    assert world.wait_for(lambda s: s == {"exported": 6})
    assert {entry["postingDate"] for entry in entries(sandbox).values()} == {"2026-11-02"}
    assert {entry["text"] for entry in entries(sandbox).values()} == {
        f"{c.source_id} Visit to a member" for c in CLAIMS
    }
    assert [one["closedThrough"] for one in changes(world, "book.changed")] == [
        {"before": "null", "after": '"2026-11-30"'},
        {"before": '"2026-11-30"', "after": '"2026-10-31"'},
    ]
    prove(world, sandbox, CLAIMS)


@pytest.mark.parametrize("trigger", ["on_approval", "manual"])
def test_first_open_day_posts_in_the_next_year_and_says_when_it_was(
    world_of: MakeWorld, sandbox: SandboxProcess, trigger: str
) -> None:
    world = world_of(delivery={"trigger": trigger})
    set_policy(world, "first_open_day")
    world.exports.close_period("main", YEAR_END)
    world.accept(CLAIMS)
    world.start_worker()
    world.exports.sync()
    assert world.wait_for(lambda s: s == {"exported": 6})
    for source_id, entry in entries(sandbox).items():
        assert entry["postingDate"] == "2027-01-01"
        assert entry["text"] == f"{source_id} Visit to a member (opprinnelig dato 02.11.2026)"
    numbers = world.query("SELECT accounting_year, voucher_number FROM exports ORDER BY 2")
    assert numbers == [(2027, number) for number in range(1, 7)]
    days = world.query("SELECT DISTINCT posting_date, moved_from FROM exports")
    assert days == [(date(2027, 1, 1), date(2026, 11, 2))]
    assert world.query("SELECT accounting_year FROM voucher_series") == [(2027,)]
    logged = world.query(
        "SELECT message FROM sync_logs WHERE outcome = 'held' AND message LIKE %s"
        " AND message LIKE %s", "%2026-11-02%", "%2027-01-01%",
    )  # fmt: skip
    assert len(logged) == 6, "the original and the new date stand in the audit log of each claim"
    (released,) = changes(world, "export.released")
    assert released["actor"] == "engine"
    assert set(released["postingDates"].values()) == {"2027-01-01"}
    assert len(released["exports"]) == 6
    prove(world, sandbox, CLAIMS)


@pytest.mark.parametrize("point", [CrashPoint.AFTER_SET_ASIDE, CrashPoint.SYNC_ENDED])
def test_killed_while_dates_move(world: World, sandbox: SandboxProcess, point: CrashPoint) -> None:
    set_policy(world, "first_open_day")
    world.exports.close_period("main", NOVEMBER)
    world.accept(CLAIMS)
    doomed = world.start_worker(BILAG_CRASH_AT=f"{point}:1")
    assert doomed.wait(30) == -signal.SIGKILL
    world.start_worker()
    assert world.wait_for(lambda s: s == {"exported": 6})
    assert {entry["postingDate"] for entry in entries(sandbox).values()} == {"2026-12-01"}
    prove(world, sandbox, CLAIMS)


def test_asked_for_a_person_decides_each(world: World, sandbox: SandboxProcess) -> None:
    set_policy(world, "ask")
    world.exports.close_period("main", NOVEMBER)
    world.accept(CLAIMS)
    world.start_worker()
    world.wait_for(at_rest)
    assert codes(world) == ["period_closed_ask"] * 6

    moves, waits = ids(world, "C000000", "C000001"), ids(world, "C000002")
    assert world.exports.decide_period(
        decision="wait", reason="the auditor opens it", export_ids=waits
    ) == waits  # fmt: skip
    decided = world.exports.decide_period(
        decision="first_open_day", reason="agreed with the auditor", export_ids=moves
    )
    assert decided == moves
    world.wait_for(lambda s: s == {"exported": 2, "held": 4})
    assert {s: e["postingDate"] for s, e in entries(sandbox).items()} == {
        "C000000": "2026-12-01",
        "C000001": "2026-12-01",
    }
    assert codes(world) == ["period_closed_wait", *["period_closed_ask"] * 3]
    assert [(one["decision"], one["exports"], one["reason"], one["actor"])
            for one in changes(world, "export.period_decided")] == [
        ("wait", waits, "the auditor opens it", "test"),
        ("first_open_day", moves, "agreed with the auditor", "test"),
    ]  # fmt: skip

    world.exports.sync()
    world.wait_for(lambda _: world.query("SELECT count(*) >= 3 FROM syncs")[0][0])
    assert codes(world)[0] == "period_closed_wait", "what was told to wait is not asked again"
    assert world.exports.decide_period(decision="wait", reason="x", export_ids=moves) == [], "sent"
    rest = world.exports.decide_period(decision="first_open_day", reason="all of them")
    assert len(rest) == 4
    world.wait_for(lambda s: s == {"exported": 6})
    prove(world, sandbox, CLAIMS)


def test_what_waits_goes_with_its_own_date_once_the_period_is_open(
    world: World, sandbox: SandboxProcess
) -> None:
    set_policy(world, "ask")
    world.exports.close_period("main", NOVEMBER)
    world.accept(CLAIMS[:2])
    world.start_worker()
    world.wait_for(at_rest)
    world.exports.decide_period(decision="wait", reason="later", export_ids=ids(world, "C000000"))
    world.exports.close_period("main", None)
    world.wait_for(lambda s: s == {"exported": 2})
    assert {e["postingDate"] for e in entries(sandbox).values()} == {"2026-11-02"}


def test_a_changed_policy_takes_effect_with_the_next_sync(
    world: World, sandbox: SandboxProcess
) -> None:
    world.exports.close_period("main", NOVEMBER)
    world.accept(CLAIMS[:2])
    world.start_worker()
    world.wait_for(at_rest)
    set_policy(world, "ask")
    world.exports.sync()
    world.wait_for(lambda _: codes(world) == ["period_closed_ask"] * 2)
    set_policy(world, "first_open_day")
    world.exports.sync()
    world.wait_for(lambda s: s == {"exported": 2})
    assert {e["postingDate"] for e in entries(sandbox).values()} == {"2026-12-01"}


def test_a_claim_that_lacks_more_is_decided_and_still_waits_for_the_rest(world: World) -> None:
    set_policy(world, "ask")
    world.exports.close_period("main", NOVEMBER)
    unmapped = replace(CLAIMS[0], lines=(replace(CLAIMS[0].lines[0], type="unheard-of"),))
    world.accept([unmapped])
    world.start_worker()
    world.wait_for(at_rest)
    ((reason,),) = world.query("SELECT reason FROM exports")
    assert [p["code"] for p in reason["problems"]] == ["period_closed_ask", "type_not_mapped"]
    assert len(world.exports.decide_period(decision="wait", reason="not yet")) == 1
    ((reason,),) = world.query("SELECT reason FROM exports")
    assert [p["code"] for p in reason["problems"]] == ["period_closed_wait", "type_not_mapped"]
    assert len(world.exports.decide_period(decision="first_open_day", reason="go on")) == 1
    world.wait_for(lambda _: codes(world) == ["type_not_mapped"])


def test_both_years_of_a_claim_are_posted_in_the_open_one(
    world: World, sandbox: SandboxProcess
) -> None:
    set_policy(world, "first_open_day")
    world.exports.close_period("main", date(2025, 12, 31))
    bus, lunch = CLAIMS[0].lines
    both = replace(
        CLAIMS[0],
        lines=(replace(bus, date=date(2025, 12, 30)), replace(lunch, date=date(2026, 1, 2))),
        approved_at=datetime(2026, 1, 10, 9, 0, tzinfo=UTC),
    )
    world.accept([both])
    world.start_worker()
    world.wait_for(lambda s: s == {"exported": 2})
    found = sandbox.ledger()["entries"]
    assert sorted((e["postingDate"], e["voucherNumber"] != "", e["text"]) for e in found) == [
        ("2026-01-01", True, "C000000 Visit to a member (opprinnelig dato 30.12.2025)"),
        ("2026-01-10", True, "C000000 Visit to a member"),
    ]
    assert world.query(
        "SELECT part, accounting_year, voucher_number FROM exports ORDER BY voucher_number"
    ) in ([(2026, 2026, 1), (2025, 2026, 2)], [(2025, 2026, 1), (2026, 2026, 2)])
    assert world.query("SELECT accounting_year, next_number FROM voucher_series") == [(2026, 3)]
    assert world.query("SELECT count(*) FROM voucher_number_gaps") == [(0,)]


def test_a_period_that_is_closed_while_a_sync_runs_is_closed_from_then_on(
    world: World, sandbox: SandboxProcess
) -> None:
    sandbox.set(answer_after=0.1)
    claims = [claim(number) for number in range(300)]
    world.accept(claims)
    world.start_worker()
    world.wait_for(lambda states: states.get("exported", 0) >= 16)
    world.exports.close_period("main", NOVEMBER)
    under_way = world.states()
    states = world.wait_for(at_rest)
    assert states["held"] > 100
    assert states["exported"] <= under_way["exported"] + under_way.get("sending", 0)
    prove(world, sandbox, claims)


def test_a_refused_voucher_is_asked_about_again_when_more_has_been_closed(
    world: World, sandbox: SandboxProcess
) -> None:
    set_policy(world, "ask")
    world.exports.close_period("main", NOVEMBER)
    sandbox.faults({"kind": "status", "status": 422, "on": "write", "at": [1]})
    world.accept(CLAIMS[:1])
    world.start_worker()
    world.wait_for(at_rest)
    world.exports.decide_period(decision="first_open_day", reason="agreed")
    world.wait_for(lambda s: s == {"failed": 1})
    world.exports.close_period("main", YEAR_END)
    world.exports.retry_failed_exports()
    world.wait_for(lambda s: s == {"held": 1})
    assert codes(world) == ["period_closed_ask"], "nobody decided on a day in January"
    world.exports.decide_period(decision="first_open_day", reason="agreed again")
    world.wait_for(lambda s: s == {"exported": 1})
    (entry,) = entries(sandbox).values()
    assert entry["postingDate"] == "2027-01-01"
    gaps = world.query("SELECT accounting_year, first_number, reason FROM voucher_number_gaps")
    assert [gap[:2] for gap in gaps] == [(2026, 1)], "the number of the other year is accounted for"
