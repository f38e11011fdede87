"""What a preview and an effect say is what a real sync then does, to the byte and to the claim."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from bilag.connectors.registry import CONNECTORS
from bilag.core.record import Record, RecordLine
from bilag.delivery.mapping_editor import MappingEditor
from bilag.delivery.mapping_trial import MappingTrial
from tests.clusters import Database
from tests.simulation.systems import REST
from tests.simulation.world import APPROVED_AT, World, make_world
from tests.simulation.world import claim as ordinary

KEY = "ledger"
ACTOR = "user a@example.org"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    """An organization that delivers by hand, to a sandbox over real HTTP."""
    with (
        REST.start() as sandbox,
        make_world(
            database.application_url,
            database.owner_url,
            tmp_path,
            settings=REST.settings_of(sandbox.url),
            delivery={"trigger": "manual"},
        ) as made,
    ):
        sandbox.add_master_data(accounts={"7130": "Taxi", "7141": "Travel"})
        yield made


def editor(world: World) -> MappingEditor:
    return MappingEditor(world.pool, world.queue, CONNECTORS, world.organization, actor=ACTOR)


def trial(world: World) -> MappingTrial:
    return MappingTrial(world.pool, world.queue, CONNECTORS, world.organization, actor=ACTOR)


def claim(number: int, type_: str, amount: str = "100") -> Record:
    line = RecordLine(date(2026, 10, 5), type_, Decimal(amount), text="Taxi, late")
    return Record(
        "app", f"C{number:06d}", 1, "expense", "NOK", "V017", "coordinator-3", APPROVED_AT,
        (line,), text="Visit to a member", claimant_name="Volunteer 017",
    )  # fmt: skip


def sync(world: World) -> dict[str, int]:
    """Ask for a sync and wait until nothing is on its way."""
    if not world.workers:
        world.start_worker()
    world.exports.sync(KEY)
    return world.wait_for(lambda states: not states.keys() & {"pending", "sending", "in_doubt"})


def test_the_bytes_of_a_preview_are_the_bytes_that_are_sent(world: World) -> None:
    world.accept([ordinary(1)])
    editor(world).change(
        KEY,
        {
            "header": {
                "zebra": {"from": "voucher.postingDate", "date": "DD.MM.YYYY"},
                "note": {"template": "{claimant.id}: {text}", "truncate": 12},
                "a": {"constant": "x"},
            },
            "line": {"kilometres": {"from": "line.quantity", "default": "0"}},
        },
    )
    (before,) = trial(world).preview(KEY, ["C000001"]).records
    assert before.voucher is not None
    editor(world).save(KEY)
    assert sync(world) == {"exported": 1}
    ((sent,),) = world.query("SELECT body FROM submissions")
    assert sent.encode() == before.body
    assert orjson.loads(sent)["zebra"] == "02.11.2026"
    (after,) = trial(world).preview(KEY, ["C000001"]).records
    assert after.body == before.body, "its number stays"


def test_an_effect_says_what_a_sync_then_does(world: World) -> None:
    world.accept([claim(n, "travel") for n in range(1, 4)])
    world.accept([claim(n, "taxi") for n in range(11, 16)])
    assert sync(world) == {"exported": 3, "held": 5}
    world.accept([claim(n, "travel") for n in range(21, 25)])
    world.accept([claim(n, "meal") for n in range(31, 33)])
    ours = editor(world)
    ours.change(
        KEY,
        {"categories": {"taxi": {"account": "7130"}, "meal": None, "travel": {"account": "7141"}}},
    )
    effect = trial(world).effect(KEY)
    assert (effect.waiting, effect.looked_at, effect.is_whole) == (11, 11, True)
    assert (effect.released.count, effect.held.count, effect.altered.count) == (5, 2, 4)
    assert effect.released.states == {"held": 5}
    assert effect.released.sums == {"NOK": Decimal(500)}
    assert effect.held.examples[0].problems[0].code == "type_not_mapped"
    told = effect.altered.examples[0].altered
    assert [(one.line, one.name, one.before, one.after) for one in told] == [
        (1, "account", "7140", "7141")
    ]
    assert world.states() == {"exported": 3, "held": 5, "pending": 6}, "nothing was written"

    assert ours.save(KEY).released == 5
    assert sync(world) == {"exported": 3 + 5 + 4, "held": 2}
    assert trial(world).effect(KEY).released.count == 0


def test_an_effect_is_bounded_in_time_and_says_how_far_it_came(world: World) -> None:
    world.accept([claim(n, "travel") for n in range(1, 301)])
    editor(world).change(KEY, {"categories": {"travel": {"account": "7141"}}})
    effect = trial(world).effect(KEY, seconds=0.0)
    assert effect.waiting == 300
    assert 1 <= effect.looked_at < 300
    assert not effect.is_whole
    whole = trial(world).effect(KEY, seconds=60.0)
    assert whole.altered.count == 300
    assert len(whole.altered.examples) == 20


def test_samples_are_previewed_with_every_problem(world: World) -> None:
    shown = trial(world).preview(KEY)
    assert not shown.faults
    assert 3 <= len(shown.records) <= 5
    assert {one.problems[0].code for one in shown.records if one.problems} >= {"type_not_mapped"}
    editor(world).change(KEY, {"header": {"x": {"from": "nothing.such"}}})
    broken = trial(world).preview(KEY)
    assert [one.field for one in broken.faults] == ["header.x.from"]
    assert all(one.voucher is None for one in broken.records)
