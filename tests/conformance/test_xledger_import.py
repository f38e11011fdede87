"""What is Xledger's own, against its sandbox: booking later, calls of several vouchers, limits.

Each test stands for one position of what Xledger does not document.
"""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.core.clock import running_seconds
from bilag.core.outcome import (
    Absent,
    Accepted,
    BookingRefused,
    CannotTell,
    Discarded,
    Misconfigured,
    Outcome,
    Posted,
    PostedLine,
    Rejected,
    RetryLater,
    Staged,
    Unknown,
)
from bilag.core.voucher import VoucherLine
from tests.conformance.suite import Harness, sandbox_fixture, voucher, with_cost_centre
from tests.conformance.test_xledger import CLIENT_SECRET, TOKEN, harness_of
from tests.sandboxes import SandboxProcess, start_sandbox

sandbox = sandbox_fixture(
    lambda: start_sandbox(
        "xledger", token=TOKEN, client_id="bilag-client", client_secret=CLIENT_SECRET
    )
)


async def sent(
    harness: Harness, session: Any, submission: Submission, permit: Permit | None = None
) -> dict[str, Outcome]:
    """Send a call of several vouchers."""
    permit = permit or Permit(until=running_seconds() + 30)
    return dict(await harness.connector.send(submission, session, permit))


def call_of(harness: Harness, *made: Any) -> Submission:
    """One call with these vouchers."""
    (submission,) = harness.connector.build(list(made), harness.settings)
    return submission


class TestBooking:
    """Accepted is not booked: waiting, refused with an error, booked, doubled, reversed."""

    async def test_it_waits_then_stands(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, options={"books_after": 600.0})
        submission = harness.submission()
        async with harness.session() as session:
            outcome = await harness.send(session, submission)
            waiting = await harness.find(session, submission.references[0])
            sandbox.set(books_after=0.0)
            booked = await harness.find(session, submission.references[0])
        assert isinstance(outcome, Accepted)
        assert not outcome.booked
        assert isinstance(waiting, Staged)
        assert waiting.external_reference == outcome.external_reference
        assert isinstance(booked, Posted)
        entry = sandbox.ledger()["entries"][0]
        assert booked.voucher_number == entry["voucherNumber"]
        assert booked.external_reference == entry["id"]
        assert booked.lines == (
            PostedLine("7140", Decimal("125.50"), "200"),
            PostedLine("2990", Decimal("-125.50")),
        )

    @pytest.mark.parametrize("level", [{}, {"dbId": 999}])
    async def test_the_wrong_job_level_leaves_it_waiting(
        self, sandbox: SandboxProcess, level: dict[str, int]
    ) -> None:
        harness = harness_of(sandbox, vouchers={"jobLevel": level})
        async with harness.session() as session:
            await harness.send(session, harness.submission())
            found = await harness.find(session, harness.submission().references[0])
        assert isinstance(found, Staged)
        assert sandbox.ledger()["count"] == 0

    @pytest.mark.parametrize("link", ["dbId", "transactionDbId"])
    async def test_a_refusal_while_booking_names_field_and_line(
        self, sandbox: SandboxProcess, link: str
    ) -> None:
        harness = harness_of(
            sandbox,
            options={"validation": "booking", "error_link": link},
            lookUp={"errorLink": link},
        )
        bad, good = harness.submission(1, lines=with_cost_centre("9999")), harness.submission(2)
        references = [*bad.references, *good.references]
        async with harness.session() as session:
            outcome = await harness.send(session, bad)
            await harness.send(session, good)
            since = datetime.now(UTC) - timedelta(minutes=1)
            found = await harness.connector.look_up(references, session, since)
        assert isinstance(outcome, Accepted)
        refused = found[references[0]]
        assert isinstance(refused, BookingRefused)
        assert refused.external_reference == outcome.external_reference
        assert (refused.field, refused.line) == ("cost_centre", 2)
        assert refused.message == "Invalid cost center code: 9999"
        assert isinstance(found[references[1]], Posted)

    @pytest.mark.parametrize(
        "look_up", [{"errorLink": "none"}, {"errorLink": "dbId"}, {"errorLevelsIgnored": ["ERROR"]}]
    )
    async def test_an_error_that_cannot_be_linked_leaves_it_waiting(
        self, sandbox: SandboxProcess, look_up: dict[str, Any]
    ) -> None:
        harness = harness_of(sandbox, options={"validation": "booking"}, lookUp=look_up)
        bad = harness.submission(1, lines=with_cost_centre("9999"))
        async with harness.session() as session:
            await harness.send(session, bad)
            assert isinstance(await harness.find(session, bad.references[0]), Staged)

    async def test_an_unbalanced_or_closed_voucher_says_why(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, options={"validation": "booking"})
        submission = harness.submission(1, lines=with_cost_centre(""))
        nodes = orjson.loads(submission.body)
        nodes["variables"]["inputs"][0]["node"]["amount"] = "125.51"
        async with harness.session() as session:
            await harness.send(session, replace(submission, body=orjson.dumps(nodes)))
            found = await harness.find(session, submission.references[0])
        assert isinstance(found, BookingRefused)
        assert "balance" in found.message

    async def test_what_a_person_reversed_is_no_double(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox)
        one, two = harness.submission(1), harness.submission(2)
        async with harness.session() as session:
            for submission in (one, two):
                await harness.send(session, submission)
            number = meddle(sandbox, one.references[0], "reverse")["transactionNumber"]
            meddle(sandbox, two.references[0], "double")
            reversed_one = await harness.find(session, one.references[0])
            doubled = await harness.find(session, two.references[0])
            without_lines = harness_of_same(harness, lookUp={"entryLines": False})
            async with without_lines.session() as other:
                cannot_see = await without_lines.find(other, one.references[0])
        assert isinstance(reversed_one, Posted)
        assert (reversed_one.hits, reversed_one.reversed_by) == (1, str(number))
        assert isinstance(doubled, Posted)
        assert (doubled.hits, doubled.reversed_by) == (2, "")
        # without accounts a reversal looks like a second posting, and a person decides
        assert isinstance(cannot_see, Posted)
        assert cannot_see.hits == 2

    async def test_a_second_copy_that_waits_is_not_settled(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(
            sandbox, options={"posted_rows": "vanish"}, lookUp={"postedRowsStay": False}
        )
        submission = harness.submission()
        async with harness.session() as session:
            await harness.send(session, submission)
            assert isinstance(await harness.find(session, submission.references[0]), Posted)
            sandbox.set(books_after=600.0)
            await harness.send(session, submission)
            assert isinstance(await harness.find(session, submission.references[0]), Staged)
            sandbox.set(books_after=0.0)
            found = await harness.find(session, submission.references[0])
        assert isinstance(found, Posted)
        assert found.hits == 2


def meddle(sandbox: SandboxProcess, reference: str, do: str) -> dict[str, Any]:
    """Let a person in Xledger do something to a booked voucher."""
    return sandbox._call("POST", "/_sandbox/meddle", {"reference": reference, "do": do})


def harness_of_same(harness: Harness, **changes: Any) -> Harness:
    """The same sandbox as it stands, under other settings."""
    made = harness.settings.model_dump(by_alias=True)
    for name, change in changes.items():
        made[name] = {**made[name], **change}
    return replace(harness, settings=type(harness.settings).model_validate(made))


class TestSearching:
    """By window, by the text of transactions, page by page."""

    async def test_transactions_are_found_by_the_text(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(
            sandbox,
            options={"posted_rows": "vanish"},
            lookUp={"postedIn": "transactions", "entryLines": False},
        )
        submission = harness.submission()
        async with harness.session() as session:
            outcome = await harness.send(session, submission)
            found = await harness.find(session, submission.references[0])
            absent = await harness.find(session, harness.submission(2).references[0])
        assert isinstance(outcome, Accepted)
        assert isinstance(found, Posted)
        assert (found.hits, found.amount) == (1, Decimal("125.50"))
        assert found.voucher_number == sandbox.ledger()["entries"][0]["voucherNumber"]
        assert isinstance(absent, Absent)

    async def test_a_window_is_told_in_their_time_and_covers_a_day_more(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox)
        submission = harness.submission()
        (reference,) = submission.references
        now = datetime.now(UTC)
        async with harness.session() as session:
            await harness.send(session, submission)
            found = {
                hours: (
                    await harness.connector.look_up(
                        [reference], session, now + timedelta(hours=hours)
                    )
                )[reference]
                for hours in (0, 23, 25)
            }
        assert [type(found[hours]) for hours in (0, 23, 25)] == [Posted, Posted, Absent]

    async def test_all_pages_are_read(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, batches={"documentsPerCall": 100, "batchRule": "atomic"})
        lines = tuple(
            VoucherLine("7140", Decimal(1 if number % 2 else -1)) for number in range(250)
        )
        made = [voucher(number, lines=lines) for number in range(1, 10)]
        async with harness.session() as session:
            for submission in harness.connector.build(made, harness.settings):
                assert set(map(type, (await sent(harness, session, submission)).values())) == {
                    Accepted
                }
            references = [one.reference for one in made]
            found = await harness.connector.look_up(references, session)
            few = harness_of_same(harness, lookUp={"pagesMax": 2})
            async with few.session() as other:
                not_through = await few.connector.look_up(references, other)
                newest = await few.find(other, references[-1])
        assert [type(found[reference]) for reference in references] == [Posted] * 9
        assert {one.amount for one in found.values() if isinstance(one, Posted)} == {Decimal(125)}
        # a page that is missing leaves every reference open: more of it may stand there
        assert set(map(type, not_through.values())) == {CannotTell}
        # without a beginning the newest are read first, and no more than is needed
        assert isinstance(newest, Posted)

    async def test_a_filter_the_tenant_lacks_decides_nothing(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, lookUp={"stagedSearch": "extIdentifier"})
        async with harness.session() as session:
            found = await harness.find(session, harness.submission().references[0])
            report = await harness.connector.check(session)
        assert isinstance(found, CannotTell)
        assert "extIdentifier" in found.message
        assert not report.ok
        assert "lookUp.stagedSearch" in report.message
        assert report.details["lookUp.postedSearch"] == "confirmed"


class TestSeveralInACall:
    """One bad voucher fails alone, whatever the tenant makes of a call with one."""

    SEVERAL = 5

    def vouchers(self, bad: int) -> list[Any]:
        return [
            voucher(number, lines=with_cost_centre("9999" if number == bad else "200"))
            for number in range(1, self.SEVERAL + 1)
        ]

    @pytest.mark.parametrize("rule", ["atomic", "per_document"])
    async def test_the_bad_one_fails_alone(self, sandbox: SandboxProcess, rule: str) -> None:
        harness = harness_of(
            sandbox,
            options={"batch": rule},
            batches={"documentsPerCall": self.SEVERAL, "batchRule": rule},
        )
        made = self.vouchers(bad=3)
        submission = call_of(harness, *made)
        async with harness.session() as session:
            outcomes = await sent(harness, session, submission)
        assert list(outcomes) == [one.reference for one in made]
        kinds = [type(outcome) for outcome in outcomes.values()]
        assert kinds == [Accepted, Accepted, Rejected, Accepted, Accepted]
        refused = outcomes[made[2].reference]
        assert isinstance(refused, Rejected)
        assert (refused.field, refused.line) == ("cost_centre", 2)
        ledger = sandbox.ledger()
        assert (ledger["count"], ledger["duplicateReferences"]) == (4, {})
        assert harness.writes() == (1 + self.SEVERAL if rule == "atomic" else 1)

    async def test_all_good_ones_go_in_one_call(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, batches={"documentsPerCall": 5, "batchRule": "atomic"})
        async with harness.session() as session:
            outcomes = await sent(harness, session, call_of(harness, *self.vouchers(bad=0)))
        taken = [one.external_reference for one in outcomes.values() if isinstance(one, Accepted)]
        assert len(set(taken)) == self.SEVERAL
        assert harness.writes() == 1
        assert sandbox.ledger()["count"] == self.SEVERAL

    async def test_only_what_is_still_open_is_sent_again(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, batches={"documentsPerCall": 5, "batchRule": "atomic"})
        whole = call_of(harness, *self.vouchers(bad=0))
        still_open = replace(whole, references=whole.references[1:3])
        async with harness.session() as session:
            outcomes = await sent(harness, session, still_open)
        assert tuple(outcomes) == still_open.references
        assert {e["reference"] for e in sandbox.ledger()["entries"]} == set(still_open.references)

    async def test_what_is_not_through_when_the_permit_ends_goes_later(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox, batches={"documentsPerCall": 5, "batchRule": "atomic"})
        submission = call_of(harness, *self.vouchers(bad=3))
        permit, writes = Permit(until=running_seconds() + 30), iter(range(9))

        def counted() -> None:
            if next(writes) == 2:
                permit.until = running_seconds()

        permit.before_write = counted
        async with harness.session() as session:
            outcomes = await sent(harness, session, submission, permit)
        assert [type(one) for one in outcomes.values()] == [Accepted] + [RetryLater] * 4
        assert sandbox.ledger()["count"] == 1
        assert harness.writes() == 2

    async def test_a_limit_or_lost_answer_is_everybodys(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, batches={"documentsPerCall": 5, "batchRule": "atomic"})
        submission = call_of(harness, *self.vouchers(bad=0))
        sandbox.faults({"kind": "too_many", "at": [1]})
        harness.strike("lost_answer", at=[2])
        async with harness.session() as session:
            limited = await sent(harness, session, submission)
            lost = await sent(harness, session, submission)
            found = await harness.connector.look_up(submission.references, session)
        assert set(map(type, limited.values())) == {RetryLater}
        assert set(map(type, lost.values())) == {Unknown}
        assert set(map(type, found.values())) == {Posted}

    async def test_half_a_voucher_is_never_taken_for_accepted_or_refused(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox, options={"batch": "per_line"})
        bad = harness.submission(1, lines=with_cost_centre("9999"))
        async with harness.session() as session:
            outcome = await harness.send(session, bad)
            found = await harness.find(session, bad.references[0])
        assert isinstance(outcome, Unknown)
        assert "1 of 2" in outcome.message
        assert isinstance(found, BookingRefused)
        assert sandbox.ledger()["count"] == 0

    async def test_no_data_is_no_answer(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox)
        harness.strike("null_data", at=[1])
        async with harness.session() as session:
            outcome = await harness.send(session, harness.submission())
        assert isinstance(outcome, Unknown)


class TestLimits:
    """Xledger's limits come with HTTP 200, and we keep below the one that is known."""

    @pytest.mark.parametrize("status", [200, 400, 429])
    async def test_credits_wait_until_they_are_there_again(
        self, sandbox: SandboxProcess, status: int
    ) -> None:
        for written in ("local", "utc"):
            harness = harness_of(
                sandbox,
                options={"credits": 1, "credit_seconds": 90.0, "reset_at": written,
                         "error_status": status},
            )  # fmt: skip
            async with harness.session() as session:
                first = await harness.send(session, harness.submission())
                second = await harness.send(session, harness.submission(2))
                found = await harness.find(session, harness.submission().references[0])
            assert isinstance(first, Accepted)
            assert isinstance(second, RetryLater)
            assert second.pauses
            assert isinstance(found, CannotTell)
            assert second.after_seconds == pytest.approx(90, abs=4)
        sandbox.set(credits=0, credit_seconds=1200.0)

    async def test_too_many_at_once_waits_a_second(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(
            sandbox,
            options={"concurrency": 1, "answer_after": 0.1},
            pace={"requestsInFlightMax": 8},
        )
        async with harness.session() as session:
            outcomes = await asyncio.gather(
                *(harness.send(session, harness.submission(number)) for number in range(1, 5))
            )
        turned_away = [one for one in outcomes if isinstance(one, RetryLater)]
        assert turned_away
        assert {one.after_seconds for one in turned_away} == {1.0}
        assert sandbox.ledger()["count"] == len(outcomes) - len(turned_away)

    async def test_the_burst_is_never_reached(self, sandbox: SandboxProcess) -> None:
        limit, seconds = 10, 1.0
        harness = harness_of(
            sandbox,
            options={
                "burst_requests": limit,
                "burst_seconds": seconds,
                "concurrency": 2,
                "answer_after": 0.02,
            },
            pace={"burstRequests": limit, "burstSeconds": seconds},
        )
        submissions = [harness.submission(number) for number in range(1, 26)]
        started = time.monotonic()
        async with harness.session() as session:
            outcomes = await asyncio.gather(*(harness.send(session, one) for one in submissions))
            found = await harness.connector.look_up([s.references[0] for s in submissions], session)
        took = time.monotonic() - started
        limits = sandbox.requests()["limits"]
        sandbox.set(burst_seconds=5.0)
        assert set(map(type, outcomes)) == {Accepted}
        assert set(map(type, found.values())) == {Posted}
        assert set(limits["breaches"].values()) == {0}
        assert limits["burstMax"] == limit
        assert limits["inFlightMax"] == 2
        # 25 writes and 2 reads in places of 10 a second
        assert 2 <= took < 6

    async def test_a_token_without_writing_is_named(self, sandbox: SandboxProcess) -> None:
        for status in (200, 401):
            harness = harness_of(
                sandbox, options={"read_only": True, "error_status": status, "auth_status": status}
            )
            async with harness.session() as session:
                outcome = await harness.send(session, harness.submission())
            assert isinstance(outcome, Misconfigured)
            assert "no write access" in outcome.message
            wrong = replace(harness, secrets={"api_token": "wrong-secret"})
            async with wrong.session() as session:
                assert isinstance(await wrong.send(session, wrong.submission()), Misconfigured)
                assert isinstance(await wrong.connector.identify(session), Misconfigured)


class TestDiscarding:
    """What waits can be taken back where the tenant has a way to, and only that."""

    def permit(self) -> Permit:
        return Permit(until=running_seconds() + 30)

    async def test_what_waits_is_gone(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(
            sandbox,
            options={"remove_items": True, "books_after": 600.0},
            lookUp={"removeItems": True},
        )
        submission = harness.submission()
        assert harness.connector.capabilities(harness.settings).discard
        async with harness.session() as session:
            await harness.send(session, submission)
            gone = await harness.connector.discard(submission, session, self.permit())
            found = await harness.find(session, submission.references[0])
            sandbox.set(books_after=0.0)
            again = await harness.connector.discard(submission, session, self.permit())
        assert isinstance(gone, Discarded)
        assert isinstance(found, Absent)
        assert isinstance(again, Discarded)
        assert sandbox.ledger()["count"] == 0

    async def test_what_is_booked_stays(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, options={"remove_items": True}, lookUp={"removeItems": True})
        submission = harness.submission()
        async with harness.session() as session:
            await harness.send(session, submission)
            told = await harness.connector.discard(submission, session, self.permit())
        assert isinstance(told, CannotTell)
        assert "booked" in told.message
        assert sandbox.ledger()["count"] == 1

    async def test_without_the_mutation_nothing_is_tried(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, options={"books_after": 600.0})
        submission = harness.submission()
        async with harness.session() as session:
            await harness.send(session, submission)
            told = await harness.connector.discard(submission, session, self.permit())
            claimed = harness_of_same(harness, lookUp={"removeItems": True})
            async with claimed.session() as other:
                refused = await claimed.connector.discard(submission, other, self.permit())
                report = await claimed.connector.check(other)
        assert isinstance(told, CannotTell)
        assert isinstance(refused, CannotTell)
        assert "lookUp.removeItems" in report.message


class TestReading:
    """The company, what the schema confirms, and master data for mapping."""

    async def test_a_check_reports_what_the_tenant_offers(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox, options={"filter_ext_identifier": True, "remove_items": True})
        async with harness.session() as session:
            report = await harness.connector.check(session)
        assert report.ok, report.message
        assert report.details["vouchers"] == "confirmed"
        assert report.details["lookUp.stagedSearch=extIdentifier_in"] == "offered"
        assert report.details["lookUp.removeItems"] == "offered"
        assert "contradicted" not in str(report.details)

    async def test_another_entity_than_expected_stops_everything(
        self, sandbox: SandboxProcess
    ) -> None:
        harness = harness_of(sandbox, entity="999")
        async with harness.session() as session:
            identified = await harness.connector.identify(session)
            report = await harness.connector.check(session)
        assert isinstance(identified, Misconfigured)
        assert "999" in identified.message
        assert not report.ok

    async def test_master_data_comes_with_what_may_be_used(self, sandbox: SandboxProcess) -> None:
        harness = harness_of(sandbox)
        connector = harness.connector
        async with harness.session() as session:
            read = {
                kind: [item async for item in connector.reference_data(kind, session)]
                for kind in connector.reference_kinds
            }
            with pytest.raises(ValueError, match="nonsense"):
                await anext(connector.reference_data("nonsense", session))
            harness.strike("error_before", on="read")
            with pytest.raises(ValueError, match="fault"):
                await anext(connector.reference_data("accounts", session))
        assert set(read) == {
            "accounts", "cost_centres", "projects", "vat_codes", "suppliers", "currencies",
            "periods",
        }  # fmt: skip
        for kind, items in read.items():
            assert items, kind
            assert all(item.code and item.id and item.kind == kind for item in items), kind
        assert "7140" in {item.code for item in read["accounts"] if item.usable}
        assert "200" in {item.code for item in read["cost_centres"] if item.usable}
        assert "NOK" in {item.code for item in read["currencies"]}
