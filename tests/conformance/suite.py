"""What every connector has to do, whatever system it speaks to; run against that system's sandbox.

A test class inherits `ConnectorSuite` and gives it a harness; assertions look at the ledger.
"""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilag.connectors.http import HttpClient, Permit
from bilag.connectors.interface import Connector, Session, Submission
from bilag.core.clock import running_seconds
from bilag.core.outcome import (
    Absent,
    Accepted,
    CannotTell,
    Company,
    Found,
    Misconfigured,
    Outcome,
    Posted,
    Rejected,
    RetryLater,
    Staged,
    Unknown,
)
from bilag.core.reference import make_reference
from bilag.core.voucher import Voucher, VoucherLine
from tests.sandboxes import SandboxProcess

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
BOOK = UUID("5f0c1f0a-3d43-4c6b-9d5e-1f6c2f4b8a01")
CHECK_SECONDS_MAX = 10.0


@dataclass
class Harness:
    """What the suite must know of one connector and its sandbox.

    `fault` names differ between sandboxes only where `faults` says so (suite's name to theirs);
    `left_behind` is what a posting that never happened leaves to be found.
    """

    connector: Connector[Any]
    sandbox: SandboxProcess
    secrets: Mapping[str, str]
    settings: Any
    settings_for: Any
    write_path: str | tuple[str, ...]
    post_path: str = ""
    token_path: str = "POST /oauth/token"
    left_behind: type[Absent] | type[Staged] = Absent
    has_tokens: bool = False
    sends_secret: bool = True
    derived_secrets: Sequence[str] = ()
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def strike(self, kind: str, **rules: Any) -> None:
        """Let the sandbox strike requests with a fault."""
        self.sandbox.faults({"kind": kind, **self.faults.get(kind, {}), **rules})

    def writes(self) -> int:
        """How many writing requests reached the sandbox."""
        return self._count(self.write_path)

    def posts(self) -> int:
        """How many requests that post reached the sandbox."""
        return self._count(self.post_path or self.write_path)

    def _count(self, start: str | tuple[str, ...]) -> int:
        paths = self.sandbox.requests()["paths"]
        return sum(n for path, n in paths.items() if path.startswith(start))

    @asynccontextmanager
    async def session(
        self, *, settings: Any = None, timeout_seconds: float = 5.0, allowed: Any = LOOPBACK
    ) -> AsyncIterator[Session[Any]]:
        """One run's session against the sandbox."""
        # Without a prepared redactor: the connector itself has to name its secrets.
        async with HttpClient(
            allowed=allowed, timeout_seconds=timeout_seconds, connections_max=64
        ) as http:
            yield Session(http, settings or self.settings, self.secrets)

    def submission(self, number: int = 1, **changes: Any) -> Submission:
        """One voucher, built by the connector."""
        built = self.connector.build([voucher(number, **changes)], self.settings)
        return built[0]

    async def send(self, session: Session[Any], submission: Submission) -> Outcome:
        """Send with a permit that lasts, and return the outcome of the one document in it."""
        permit = Permit(until=running_seconds() + 30)
        outcomes = await self.connector.send(submission, session, permit)
        assert set(outcomes) == set(submission.references)
        return outcomes[submission.references[0]]

    async def find(self, session: Session[Any], reference: str) -> Found:
        """Look one reference up."""
        return (await self.connector.look_up([reference], session))[reference]


def voucher(number: int = 1, **changes: Any) -> Voucher:
    """A balanced voucher of 125.50 kroner that every sandbox posts."""
    lines = (
        VoucherLine("7140", Decimal("125.50"), text="Bus to course", cost_centre="200"),
        VoucherLine("2990", Decimal("-125.50"), text="Volunteer 017"),
    )
    made = Voucher(
        reference=make_reference(BOOK, "app", f"claim-{number}", 1),
        posting_date=date(2026, 3, 14),
        accounting_year=2026,
        currency="NOK",
        text=f"Expense claim {number}, Volunteer 017",
        lines=lines,
        claim_total=Decimal("125.50"),
        source_id=f"claim-{number}",
        category="expense",
        number=number,
    )
    return replace(made, **changes)


def with_cost_centre(code: str) -> tuple[VoucherLine, ...]:
    """Lines whose second one has this cost centre."""
    return (
        VoucherLine("7140", Decimal("125.50")),
        VoucherLine("2990", Decimal("-125.50"), cost_centre=code),
    )


class ConnectorSuite:
    """Inherit it, and define the fixture `harness` (function scope, a reset sandbox).

    `vouchers` makes what `build` is tried with, within what the system can carry.
    """

    vouchers: ClassVar[st.SearchStrategy[list[Voucher]]]

    # --- taken, once

    async def test_an_accepted_voucher_stands_once_and_is_found_by_reference(
        self, harness: Harness
    ) -> None:
        submission = harness.submission()
        async with harness.session() as session:
            outcome = await harness.send(session, submission)
            found = await harness.find(session, submission.references[0])
        assert isinstance(outcome, Accepted)
        assert outcome.external_reference
        assert outcome.evidence.http_status is not None
        assert isinstance(found, Posted)
        if harness.connector.capabilities(harness.settings).books_later:
            assert not outcome.booked
        else:
            assert found.external_reference == outcome.external_reference
        assert (found.hits, found.amount) == (1, Decimal("125.50"))
        entry = harness.sandbox.ledger()["entries"][0]
        assert entry["reference"] == submission.references[0]
        assert [Decimal(line["amount"]) for line in entry["lines"]] == [
            Decimal("125.50"),
            Decimal("-125.50"),
        ]

    async def test_the_same_key_twice_posts_once(self, harness: Harness) -> None:
        if not harness.connector.capabilities(harness.settings).honours_key:
            pytest.skip("the system does not honour our key")
        submission = harness.submission()
        async with harness.session() as session:
            first = await harness.send(session, submission)
            second = await harness.send(session, submission)
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert first.external_reference == second.external_reference
        assert harness.sandbox.ledger()["count"] == 1

    async def test_two_hits_are_reported_as_two(self, harness: Harness) -> None:
        if harness.connector.capabilities(harness.settings).honours_key:
            pytest.skip("the system posts a key once")
        submission = harness.submission()
        async with harness.session() as session:
            await harness.send(session, submission)
            await harness.send(session, submission)
            found = await harness.find(session, submission.references[0])
        assert isinstance(found, Posted)
        assert found.hits == harness.sandbox.ledger()["count"] == 2

    # --- refused, for certain

    async def test_a_refused_connection_is_retried_later(self, harness: Harness) -> None:
        nobody = harness.settings_for("http://127.0.0.1:9")
        async with harness.session(settings=nobody) as session:
            outcome = await harness.send(session, harness.submission())
        assert isinstance(outcome, RetryLater)
        assert outcome.transport
        assert outcome.problem is not None

    async def test_a_private_address_is_not_reached(self, harness: Harness) -> None:
        async with harness.session(allowed=()) as session:
            outcome = await harness.send(session, harness.submission())
            found = await harness.find(session, harness.submission().references[0])
        assert isinstance(outcome, Misconfigured)
        assert isinstance(found, CannotTell)
        assert harness.sandbox.requests()["total"] == 0

    async def test_a_wrong_login_stops_the_integration(self, harness: Harness) -> None:
        wrong = replace(harness, secrets=dict.fromkeys(harness.secrets, "wrong-secret"))
        async with wrong.session() as session:
            outcome = await wrong.send(session, harness.submission())
        assert isinstance(outcome, Misconfigured)
        assert harness.sandbox.ledger()["count"] == 0

    async def test_a_missing_secret_stops_the_integration(self, harness: Harness) -> None:
        without = replace(harness, secrets={})
        async with without.session() as session:
            outcome = await without.send(session, harness.submission())
        assert isinstance(outcome, Misconfigured)
        assert harness.sandbox.requests()["total"] == 0

    async def test_a_refusal_names_the_field_in_our_words(self, harness: Harness) -> None:
        async with harness.session() as session:
            outcome = await harness.send(
                session, harness.submission(lines=with_cost_centre("9999"))
            )
        assert isinstance(outcome, Rejected)
        assert (outcome.field, outcome.line) == ("cost_centre", 2)
        assert "9999" in outcome.message
        assert harness.sandbox.ledger()["count"] == 0

    async def test_too_many_requests_wait_as_long_as_asked(self, harness: Harness) -> None:
        harness.strike("too_many", at=[1], retryAfter="7")
        in_an_hour = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
        harness.strike("too_many", at=[2], retryAfter=in_an_hour)
        async with harness.session() as session:
            first = await harness.send(session, harness.submission())
            second = await harness.send(session, harness.submission())
            third = await harness.send(session, harness.submission())
        assert isinstance(first, RetryLater)
        assert (first.after_seconds, first.pauses, first.transport) == (7, True, False)
        assert isinstance(second, RetryLater)
        assert second.after_seconds == pytest.approx(3600, abs=5)
        assert isinstance(third, Accepted)

    # --- written under a permit, or not at all

    async def test_without_a_permit_nothing_is_written(self, harness: Harness) -> None:
        permit = Permit(until=running_seconds() - 0.001)
        submission = harness.submission()
        async with harness.session() as session:
            outcomes = await harness.connector.send(submission, session, permit)
        outcome = outcomes[submission.references[0]]
        assert isinstance(outcome, RetryLater)
        assert not outcome.transport
        assert not permit.spent
        assert harness.writes() == 0

    async def test_a_permit_that_runs_out_on_the_way_stops_the_write(
        self, harness: Harness
    ) -> None:
        permit = Permit(until=running_seconds() + 30)
        permit.before_write = lambda: setattr(permit, "until", running_seconds())
        submission = harness.submission()
        async with harness.session() as session:
            outcomes = await harness.connector.send(submission, session, permit)
        assert isinstance(outcomes[submission.references[0]], RetryLater)
        assert harness.writes() == 0
        assert harness.sandbox.ledger()["count"] == 0

    # --- not known

    @pytest.mark.parametrize(
        ("kind", "posted"),
        [
            ("lost_answer", 1),
            ("error_after", 1),
            ("garbage", 1),
            ("cut_answer", 1),
            ("error_before", 0),
            ("reset_before", 0),
            ("redirect", 0),
        ],
    )
    async def test_an_answer_that_proves_nothing_is_looked_up(
        self, harness: Harness, kind: str, posted: int
    ) -> None:
        harness.strike(kind, at=[1])
        submission = harness.submission()
        async with harness.session() as session:
            outcome = await harness.send(session, submission)
            found = await harness.find(session, submission.references[0])
        assert isinstance(outcome, Unknown), outcome
        assert isinstance(found, Posted if posted else harness.left_behind), found
        assert harness.sandbox.ledger()["count"] == posted
        assert harness.posts() == 1

    @pytest.mark.parametrize("kind", ["slow", "drip"])
    async def test_a_slow_answer_ends_in_bounded_time(self, harness: Harness, kind: str) -> None:
        harness.strike(kind, at=[1], seconds=3 if kind == "slow" else 0.2)
        submission = harness.submission()
        async with harness.session(timeout_seconds=1.0) as session:
            started = time.monotonic()
            outcome = await harness.send(session, submission)
            took = time.monotonic() - started
            found = await harness.find(session, submission.references[0])
        assert isinstance(outcome, Unknown)
        assert took < 2
        assert isinstance(found, Posted)

    async def test_a_posting_after_the_timeout_is_found_later(self, harness: Harness) -> None:
        harness.strike("late_commit", at=[1], seconds=1.0)
        submission = harness.submission()
        async with harness.session(timeout_seconds=0.4) as session:
            outcome = await harness.send(session, submission)
            early = await harness.find(session, submission.references[0])
            await asyncio.sleep(1.2)
            late = await harness.find(session, submission.references[0])
        assert isinstance(outcome, Unknown)
        assert isinstance(early, harness.left_behind)
        assert isinstance(late, Posted)

    # --- look-up

    @pytest.mark.parametrize(
        "kind",
        ["error_before", "garbage", "too_many", "redirect", "reset_before", "huge", "silent"],
    )
    async def test_a_look_up_that_fails_decides_nothing(self, harness: Harness, kind: str) -> None:
        submission = harness.submission()
        async with harness.session(timeout_seconds=1.0) as session:
            await harness.send(session, submission)
            harness.strike(kind, on="read")
            found = await harness.find(session, submission.references[0])
        assert isinstance(found, CannotTell)
        assert found.message

    async def test_a_hit_with_another_reference_decides_nothing(self, harness: Harness) -> None:
        harness.strike("other_reference", on="read")
        async with harness.session() as session:
            found = await harness.find(session, harness.submission().references[0])
        assert isinstance(found, CannotTell)

    async def test_many_are_looked_up_at_once_but_within_the_limit(self, harness: Harness) -> None:
        limit = harness.connector.capabilities(harness.settings).requests_in_flight_max
        submissions = [harness.submission(number) for number in range(1, 81)]
        async with harness.session() as session:
            # slow, so that what is sent at once also meets there
            harness.sandbox.faults({"kind": "slow", "on": "write", "seconds": 0.02})
            for pair in zip(submissions[:40:2], submissions[1:40:2], strict=True):
                await asyncio.gather(*(harness.send(session, one) for one in pair))
            harness.sandbox.faults({"kind": "slow", "on": "read", "seconds": 0.05})
            references = [one.references[0] for one in submissions]
            found = await harness.connector.look_up(references, session)
        assert list(found) == references
        assert [type(one) for one in found.values()] == [Posted] * 40 + [Absent] * 40
        assert 2 <= harness.sandbox.requests()["inFlightMax"] <= max(limit, 40)

    # --- login

    async def test_a_token_that_expires_on_the_way_is_fetched_again(self, harness: Harness) -> None:
        if not harness.has_tokens:
            pytest.skip("this login has no tokens")
        harness.strike("expired_token", at=[10, 35])
        waiting = [harness.submission(number) for number in range(1, 61)]
        rounds = 0
        async with harness.session() as session:
            while waiting and rounds < 5:
                rounds += 1
                outcomes = await asyncio.gather(*(harness.send(session, one) for one in waiting))
                assert not [one for one in outcomes if not isinstance(one, Accepted | RetryLater)]
                waiting = [
                    one
                    for one, outcome in zip(waiting, outcomes, strict=True)
                    if isinstance(outcome, RetryLater)
                ]
        assert not waiting
        assert rounds > 1
        ledger = harness.sandbox.ledger()
        assert (ledger["count"], ledger["duplicateReferences"]) == (60, {})

    async def test_many_senders_share_one_token(self, harness: Harness) -> None:
        if not harness.has_tokens:
            pytest.skip("this login has no tokens")
        async with harness.session() as session:
            await asyncio.gather(
                *(harness.send(session, harness.submission(number)) for number in range(1, 31))
            )
        assert harness.sandbox.ledger()["count"] == 30
        assert harness.sandbox.requests()["paths"][harness.token_path] == 1

    async def test_a_login_that_failed_is_tried_again_by_the_next(self, harness: Harness) -> None:
        if not harness.has_tokens:
            pytest.skip("this login has no tokens")
        harness.strike("error_before", on="token", at=[1])
        async with harness.session() as session:
            first = await harness.send(session, harness.submission())
            second = await harness.send(session, harness.submission())
        assert isinstance(first, RetryLater)
        assert isinstance(second, Accepted)

    @pytest.mark.parametrize(
        ("kind", "rules", "outcome_type"),
        [
            ("error_before", {}, RetryLater),
            ("reset_before", {}, RetryLater),
            ("silent", {}, RetryLater),
            ("garbage", {}, RetryLater),
            ("too_many", {"retryAfter": "3"}, RetryLater),
            ("redirect", {}, Misconfigured),
            ("status", {"status": 404}, Misconfigured),
        ],
    )
    async def test_without_a_token_nothing_is_posted(
        self,
        harness: Harness,
        kind: str,
        rules: dict[str, Any],
        outcome_type: type[RetryLater] | type[Misconfigured],
    ) -> None:
        if not harness.has_tokens:
            pytest.skip("this login has no tokens")
        harness.strike(kind, on="token", **rules)
        async with harness.session(timeout_seconds=1.0) as session:
            started = time.monotonic()
            outcomes = await asyncio.gather(
                *(harness.send(session, harness.submission(number)) for number in range(1, 6))
            )
            took = time.monotonic() - started
        assert all(isinstance(one, outcome_type) for one in outcomes), outcomes
        # Whoever waited for a fetch that failed does not try it again one by one.
        assert took < 2.5
        assert harness.writes() == 0

    async def test_no_secret_is_ever_written_down(self, harness: Harness) -> None:
        seen: list[object] = []
        submission = harness.submission()
        seen.append(submission)
        for kind in ("echo", "garbage", "lost_answer", "expired_token"):
            harness.sandbox.clear_faults()
            harness.strike(kind)
            harness.strike("echo", on="read")
            harness.strike("echo", on="company")
            async with harness.session() as session:
                seen.append(await harness.send(session, submission))
                seen.append(await harness.find(session, submission.references[0]))
                seen.append(await harness.connector.check(session))
                for secret in harness.secrets.values():
                    assert session.http.redact(f"a {secret} b") == "a [secret] b"
        if harness.has_tokens:
            harness.sandbox.clear_faults()
            harness.strike("echo", on="token")
            async with harness.session() as session:
                seen.append(await harness.send(session, submission))
                seen.append(await harness.connector.check(session))
        texts = repr(seen)
        assert ("[secret]" in texts) == harness.sends_secret
        for secret in (*harness.secrets.values(), *harness.derived_secrets):
            assert secret not in texts

    # --- the connection test

    async def test_a_check_proves_the_look_up_and_writes_nothing(self, harness: Harness) -> None:
        submission, gone = harness.submission(), "BAAAAAAAAAAAAAAAAAAB"
        async with harness.session() as session:
            await harness.send(session, submission)
            before = harness.writes()
            known = await harness.connector.check(session, submission.references)
            newer = await harness.connector.check(session, (gone, *submission.references))
            unknown = await harness.connector.check(session)
            missing = await harness.connector.check(session, (gone,))
        assert known.ok
        assert newer.look_up_proven, "one voucher deleted there by hand is not a broken look-up"
        assert known.look_up_proven
        assert known.company_id
        assert known.message
        assert unknown.ok
        assert not unknown.look_up_proven
        assert not missing.ok
        assert harness.writes() == before
        assert harness.sandbox.ledger()["count"] == 1

    @pytest.mark.parametrize("place", ["company", "read", "token"])
    @pytest.mark.parametrize(
        ("kind", "rules"),
        [
            ("error_before", {}),
            ("reset_before", {}),
            ("garbage", {}),
            ("huge", {}),
            ("redirect", {"location": "http://10.0.0.1/login"}),
            ("too_many", {}),
            ("status", {"status": 404}),
            ("drip", {"seconds": 1}),
            ("silent", {}),
        ],
    )
    async def test_a_check_says_what_to_do_within_ten_seconds(
        self, harness: Harness, place: str, kind: str, rules: dict[str, Any]
    ) -> None:
        if place == "token" and not harness.has_tokens:
            pytest.skip("this login has no tokens")
        if place != "token" and harness.has_tokens and kind in ("drip", "silent"):
            pytest.skip("slow, and the same as under a login without tokens")
        harness.strike(kind, on=place, **rules)
        async with harness.session(timeout_seconds=60.0) as session:
            started = time.monotonic()
            report = await harness.connector.check(session)
            took = time.monotonic() - started
        assert not report.ok
        assert report.problem is not None
        assert all(report.problem.text(language) for language in ("nb", "nn", "en"))
        assert "{" not in report.message
        assert took < CHECK_SECONDS_MAX
        assert harness.writes() == 0

    async def test_a_check_names_a_wrong_login(self, harness: Harness) -> None:
        wrong = replace(harness, secrets=dict.fromkeys(harness.secrets, "wrong-secret"))
        async with wrong.session() as session:
            report = await wrong.connector.check(session)
        assert not report.ok
        assert "401" in report.message

    async def test_a_check_finds_nobody_at_the_address(self, harness: Harness) -> None:
        for address in ("http://127.0.0.1:9", "https://accounting.invalid"):
            settings = harness.settings_for(address)
            async with harness.session(settings=settings) as session:
                report = await harness.connector.check(session)
            assert not report.ok
            assert address.split("//")[1].split(":")[0] in report.message

    async def test_the_company_is_asked_before_a_run(self, harness: Harness) -> None:
        async with harness.session() as session:
            company = await harness.connector.identify(session)
            harness.strike("error_before", on="company")
            fault = await harness.connector.identify(session)
        wrong = replace(harness, secrets=dict.fromkeys(harness.secrets, "wrong-secret"))
        harness.sandbox.clear_faults()
        async with wrong.session() as session:
            refused = await wrong.connector.identify(session)
        assert isinstance(company, Company)
        assert company.id
        assert isinstance(fault, RetryLater)
        assert isinstance(refused, Misconfigured)
        assert harness.writes() == 0

    # --- building

    def test_building_is_pure_and_exact(self, harness: Harness) -> None:
        @settings(max_examples=60, deadline=None)
        @given(self.vouchers)
        def holds(made: Sequence[Voucher]) -> None:
            build = harness.connector.build
            first, second = build(made, harness.settings), build(made, harness.settings)
            assert first == second
            built = [reference for one in first for reference in one.references]
            assert built == [one.reference for one in made]
            of = {one.reference: one for one in made}
            for submission in first:
                for reference in submission.references:
                    self.assert_exact(of[reference], submission)

        holds()

    def assert_exact(self, made: Voucher, submission: Submission) -> None:
        """Compare the bytes with the voucher, amount by amount; each connector its own way."""
        raise NotImplementedError


@st.composite
def vouchers(
    draw: st.DrawFn, places: int = 4, codes: st.SearchStrategy[str] | None = None
) -> list[Voucher]:
    """Balanced vouchers with awkward amounts and texts; `codes` are those of cost centres."""
    amounts = st.decimals(
        min_value=Decimal("-99999999999.9999"),
        max_value=Decimal("99999999999.9999"),
        places=places,
        allow_nan=False,
    )
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    centres = texts if codes is None else codes
    made = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        chosen = draw(st.lists(amounts, min_size=1, max_size=4))
        chosen.append(-sum(chosen, Decimal(0)))
        lines = tuple(
            VoucherLine("7140", amount, text=draw(texts), cost_centre=draw(centres))
            for amount in chosen
        )
        made.append(voucher(number, lines=lines, text=draw(texts), source_id=draw(texts)))
    return made


ConnectorSuite.vouchers = vouchers()


def sandbox_fixture(start: Any) -> Any:
    """A module's sandbox, started once; every test resets it through its harness."""

    @pytest.fixture(scope="module")
    def sandbox() -> Iterator[SandboxProcess]:
        with start() as running:
            yield running

    return sandbox
