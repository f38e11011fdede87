"""O8 under anything that may happen: approved is always the sum of all states, to the øre.

A randomized run: after every step the records, the counters, the control report and the ledger of
the accounting system are compared; at the end the ledger is what is said to be exported, by
reference, nothing twice. BILAG_TEST_SUM_RULE=large runs many more and longer ones.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bilag.connectors.registry import CONNECTORS
from bilag.core.record import Record
from bilag.delivery.configured import ConfiguredIntegrations
from bilag.delivery.crash_points import CrashPoint
from bilag.delivery.force import ForcedExports
from bilag.delivery.mapping_editor import MappingEditor
from bilag.exports.decide import DecisionRefused
from bilag.exports.recount import differences
from bilag.integrations.key_sources import open_vault
from bilag.monitoring.control import control_report, period_of
from bilag.tenants.scope import organization_scope
from tests.clusters import Cluster, Database
from tests.conftest import fresh_database
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import rest_settings
from tests.simulation.forked import Ended, bilag
from tests.simulation.proof import at_rest
from tests.simulation.test_crashes import STAGED
from tests.simulation.world import MAPPING, World, claim, make_world

RUNS, STEPS = (40, 50) if os.environ.get("BILAG_TEST_SUM_RULE") == "large" else (9, 22)
# The rate of the euro: what is posted in the book's currency can be told without a calculator.
RATE = Decimal(10)
KINDS = ("plain", "plain", "plain", "unmapped", "refused", "zero", "negative", "euro",
         "euro_without_rate", "two_years")  # fmt: skip
# What the accounting system does to some of the next requests: mostly it fails after having posted.
FAULTS = st.lists(
    st.one_of(
        st.fixed_dictionaries({
            "kind": st.sampled_from(("lost_answer", "error_after", "garbage", "cut_answer",
                                     "error_before", "too_many", "reset_before")),
            "at": st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True),
        }),
        st.just({"kind": "error_before", "on": "read", "at": [1, 2, 3]}),
    ),
    max_size=2,
)  # fmt: skip
UNMENDED: dict[str, Any] = {
    **MAPPING,
    "categories": {**MAPPING["categories"], "phone": {"account": "9999"}},
}
MENDED: dict[str, Any] = {
    **MAPPING,
    "categories": {
        **MAPPING["categories"], "phone": {"account": "6900"}, "taxi": {"account": "7140"},
    },
}  # fmt: skip
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def approved(number: int, kind: str, revision: int = 1) -> Record:
    """Return a claim of a kind; each revision has another amount."""
    one = claim(number, amount=str(100 + 7 * number % 900 + revision), revision=revision)
    first, second = one.lines
    match kind:
        case "unmapped":
            return replace(one, lines=(replace(first, type="taxi"), second))
        case "refused":
            return replace(one, lines=(replace(first, type="phone"), second))
        case "zero":
            return replace(one, lines=(first, replace(second, amount=-first.amount)))
        case "negative":
            return replace(one, lines=tuple(replace(x, amount=-x.amount) for x in one.lines))
        case "euro":
            return replace(
                one, currency="EUR", exchange_rate=RATE, exchange_rate_date=date(2026, 10, 1)
            )
        case "euro_without_rate":
            return replace(one, currency="EUR")
        case "two_years":
            return replace(one, lines=(replace(first, date=date(2025, 12, 30)), second))
    return one


class Deliveries(RuleBasedStateMachine):
    """An organization that anything happens to; `new_world` is set by the test."""

    new_world: Callable[[ExitStack], World]
    sandbox: SandboxProcess

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.sound = False

    @initialize()
    def begin(self) -> None:
        """Start with an empty organization and an empty ledger."""
        self.sandbox.clear_faults()
        self.sandbox.reset()
        self.world = type(self).new_world(self.stack)
        self.kind_of: list[str] = []
        self.newest: list[Record] = []
        # currency -> what was approved, by what this test itself handed over
        self.expected: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        self.sound = True
        owned = (self.world.pool, self.world.queue)
        who = self.world.organization
        self.configured = ConfiguredIntegrations(*owned, who, actor="test")
        self.editor = MappingEditor(*owned, CONNECTORS, who, actor="test")
        vault = open_vault(self.world.home, {})
        self.forced = ForcedExports(*owned, CONNECTORS, vault, who, actor="test")
        self.world.accept(self._new(sorted(set(KINDS))))

    @rule(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    def approve(self, kinds: list[str]) -> None:
        """The app hands approved claims over."""
        self.world.accept(self._new(kinds))

    @rule(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
    def import_file(self, kinds: list[str]) -> None:
        """A file comes in, twice: the second time nothing of it is new."""
        file = self.world.home / "records.ndjson"
        rows = [{**one.as_content(), "status": "approved"} for one in self._new(kinds)]
        file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
        for _ in range(2):
            ended = self._bilag("import", str(file), "--organization", "blindeforbundet")
            assert ended.code == 0, ended.out

    @precondition(lambda self: self.newest)
    @rule(which=st.integers(0, 99))
    def revise(self, which: int) -> None:
        """A claim is approved again with another amount."""
        place = which % len(self.newest)
        old = self.newest[place]
        new = approved(place, self.kind_of[place], old.revision + 1)
        self.newest[place] = new
        self.world.accept([self._counted(new, self.kind_of[place])])

    @precondition(lambda self: self.newest)
    @rule(which=st.integers(0, 99))
    def withdraw(self, which: int) -> None:
        """An approval is taken back; what was approved stays counted."""
        one = self.newest[which % len(self.newest)]
        assert self.world.exports.withdraw_approval(one.source_system, one.source_id) is not None

    @rule(document=st.sampled_from([UNMENDED, MENDED]))
    def map(self, document: dict[str, Any]) -> None:
        """The mapping is saved, better or worse than before; what it held back is tried again."""
        outline, _ = self.editor.current("ledger")
        self.editor.replace("ledger", document, outline.version)

    @rule(enabled=st.booleans())
    def switch(self, enabled: bool) -> None:
        """The integration is switched off or on."""
        self.configured.switch("ledger", enabled=enabled)

    @rule(faults=FAULTS)
    def sync(self, faults: list[dict[str, Any]]) -> None:
        """Somebody presses the button, and a worker does what is due; some answers are lost."""
        self.sandbox.faults(*faults)
        self.world.exports.sync()
        self._work()
        self.sandbox.clear_faults()

    @rule(
        point=st.sampled_from([p for p in CrashPoint if p not in STAGED]), times=st.integers(1, 3)
    )
    def kill(self, point: CrashPoint, times: int) -> None:
        """A worker is killed somewhere."""
        self.world.exports.sync()
        ended = self._bilag("worker", "--once", BILAG_CRASH_AT=f"{point}:{times}")
        assert ended.code in (0, -9), ended.out
        self._owner("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")

    @rule()
    def time_passes(self) -> None:
        """What waits has waited long enough."""
        self._wait()

    @rule()
    def retry(self) -> None:
        """Everything refused is tried again."""
        self.world.exports.retry_failed_exports()

    @rule(which=st.integers(0, 99))
    def cancel(self, which: int) -> None:
        """One that waits is cancelled by a person."""
        waiting = self._ids("state = 'pending'")
        if waiting:
            self.world.exports.cancel_export(waiting[which % len(waiting)])

    @rule(which=st.integers(0, 99))
    def force(self, which: int) -> None:
        """One that is posted is sent again on purpose."""
        posted = self._ids("state = 'exported' AND live")
        if not posted:
            return
        one = posted[which % len(posted)]
        try:
            seen = self.forced.evidence(one)
            self.forced.force(one, reason="asked for", confirmation=seen.confirmation)
        except DecisionRefused:
            pass  # a correction of it waits, say: nothing was opened

    @rule()
    def decide(self) -> None:
        """A person looks into the ledger and settles what the engine could not."""
        self._decide()

    @rule()
    def reconcile(self) -> None:
        """What was sent is compared with the ledger; no export is changed by it."""
        before = self._rows()
        ended = self._bilag("reconcile", "blindeforbundet", "--json")
        assert ended.code in (0, 1, 7), ended.out
        assert self._rows() == before

    @invariant()
    def the_sum_rule_holds(self) -> None:
        """Records, counters, control report and this test's own count say the same."""
        self.sound = False
        world = self.world
        world.totals()
        with (
            world.pool.connection() as connection,
            organization_scope(connection, world.organization),
        ):
            assert differences(connection) == [], "`bilag verify totals` would find this"
            period = period_of(connection, world.organization, "main", FIRST, LAST)
            report = control_report(connection, world.organization, period)
        assert report.balances, report
        assert {one.currency: one.approved for one in report.sums} == self.expected
        self._compare_with_the_ledger()
        self.sound = True

    def teardown(self) -> None:
        """Bring everything to its end; then the ledger is what is said to be exported."""
        try:
            if self.sound:
                self._bring_to_rest()
                self.the_sum_rule_holds()
                self._compare_with_the_ledger(whole=True)
                for command in (("verify", "totals"), ("audit", "verify")):
                    ended = self._bilag(*command)
                    assert ended.code == 0, ended.out
        finally:
            self.stack.close()

    def _new(self, kinds: Sequence[str]) -> list[Record]:
        records = []
        for kind in kinds:
            records.append(self._counted(approved(len(self.newest), kind), kind))
            self.newest.append(records[-1])
            self.kind_of.append(kind)
        return records

    def _counted(self, record: Record, kind: str) -> Record:
        number, amount = self.expected[record.currency]
        parts = 2 if kind == "two_years" else 1
        self.expected[record.currency] = (number + parts, amount + record.total)
        return record

    def _compare_with_the_ledger(self, *, whole: bool = False) -> None:
        """What is exported is there once and as it should be; `whole`: and nothing else is."""
        ledger = self.sandbox.ledger()
        assert ledger["duplicateReferences"] == {}
        there = {entry["reference"]: Decimal(entry["amount"]) for entry in ledger["entries"]}
        told = {
            reference: abs(amount) * (RATE if currency == "EUR" else 1)
            for reference, amount, currency in self.world.query(
                "SELECT reference, amount, currency FROM exports WHERE state = 'exported'"
            )
        }
        found = there if whole else {name: there.get(name) for name in told}
        assert found == told

    def _bring_to_rest(self) -> None:
        self.sandbox.clear_faults()
        self.switch(enabled=True)
        self.map(MENDED)
        self.retry()
        for _ in range(20):
            self._wait()
            self._work()
            self._decide()
            states = self.world.states()
            if at_rest(states) and "needs_review" not in states:
                return
        raise AssertionError(f"this does not come to rest: {states}")

    def _decide(self) -> None:
        there = {entry["reference"] for entry in self.sandbox.ledger()["entries"]}
        for one, reference in self.world.query(
            "SELECT id, reference FROM exports WHERE state = 'needs_review' ORDER BY id"
        ):
            states = ("exported",) if reference in there else ("pending", "cancelled")
            for state in states:
                try:
                    self.world.exports.decide_export(one, to_state=state, reason="looked there")
                except DecisionRefused:
                    continue  # nobody wants it any more: not sent again, so cancelled
                break

    def _wait(self) -> None:
        self.world.move_clock(60)
        self._owner(
            "UPDATE exports SET due_at = due_at - interval '1 minute' WHERE state = 'pending'"
        )

    def _owner(self, statement: str) -> None:
        with psycopg.connect(self.world.owner_url, autocommit=True) as connection:
            connection.execute(statement)

    def _work(self) -> None:
        ended = self._bilag("worker", "--once")
        assert ended.code == 0, ended.out

    def _bilag(self, *arguments: str, **environment: str) -> Ended:
        return bilag(*arguments, environment={**self.world.environment(), **environment})

    def _ids(self, where: str) -> list[int]:
        return [row[0] for row in self.world.query(f"SELECT id FROM exports WHERE {where}")]

    def _rows(self) -> list[tuple[Any, ...]]:
        return self.world.query("SELECT id, state, live, reason, due_at FROM exports ORDER BY id")


@pytest.fixture
def worlds(
    cluster: Cluster, template_database: Database, sandbox: SandboxProcess, tmp_path: Path
) -> Callable[[ExitStack], World]:
    """Return a function that makes an organization in a database of its own."""
    numbers = count(1)

    @contextmanager
    def one() -> Iterator[World]:
        home = tmp_path / str(next(numbers))
        home.mkdir()
        with (
            fresh_database(cluster, template_database) as database,
            make_world(
                database.application_url, database.owner_url, home,
                settings=rest_settings(sandbox.url), mapping=UNMENDED,
            ) as world,
        ):  # fmt: skip
            yield world

    return lambda stack: stack.enter_context(one())


@pytest.mark.timeout(60 * RUNS)
def test_approved_is_the_sum_of_all_states_whatever_happens(
    worlds: Callable[[ExitStack], World], sandbox: SandboxProcess
) -> None:
    machine = type("Run", (Deliveries,), {"new_world": staticmethod(worlds), "sandbox": sandbox})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            derandomize="BILAG_TEST_SUM_RULE" not in os.environ,
            database=None,
            deadline=None,
            # a failing run says enough as it is: shortening it would take as long again and again
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
