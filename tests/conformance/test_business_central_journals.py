"""Journals: staged, verified, posted; refused documents taken out; interrupted ones resumed.

Every test looks at the sandbox's ledger and at what is left in its journals.
"""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bilag.connectors.dynamics.business_central.stop import Reply
from bilag.connectors.dynamics.business_central.work import Work
from bilag.connectors.dynamics.odata import Fault
from bilag.connectors.http import Permit
from bilag.core.clock import running_seconds
from bilag.core.outcome import (
    Absent,
    Accepted,
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
from tests.conformance.business_central import (
    harness_of,
    our_journals,
    posted,
    send_all,
    several,
    staged,
    start_business_central,
)
from tests.conformance.suite import Harness, sandbox_fixture, with_cost_centre
from tests.sandboxes import SandboxProcess

sandbox = sandbox_fixture(start_business_central)

BAD = {"lines": with_cost_centre("9999")}
WRONG_ACCOUNT = {
    "lines": (VoucherLine("7140", Decimal(5)), VoucherLine("1111", Decimal(-5))),
}


@pytest.fixture
def harness(sandbox: SandboxProcess) -> Harness:
    """A harness over an emptied sandbox with usual settings."""
    return harness_of(sandbox)


def kinds(outcomes: list[Outcome]) -> str:
    """Outcomes by their first letters, as `ARA`."""
    return "".join(type(one).__name__[0] for one in outcomes)


async def test_a_journal_is_posted_whole_with_dimensions_and_left_empty(harness: Harness) -> None:
    submission = several(harness, *([{}] * 50))
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
    assert kinds(outcomes) == "A" * 50
    ledger = harness.sandbox.ledger()
    assert (ledger["count"], ledger["duplicateReferences"]) == (50, {})
    first = ledger["entries"][0]
    assert first["externalDocumentNumber"] == "2026-1"
    assert first["lines"][0]["dimensions"] == {"AVDELING": "200"}
    assert our_journals(harness) == []
    # 50 vouchers of 2 lines and 1 dimension; a token and the companies are asked for once.
    assert harness.sandbox.requests()["total"] - 2 <= (100 + 50) / 100 + 12
    assert harness.sandbox.requests()["inFlightMax"] <= 4
    assert harness.posts() == 1


@pytest.mark.parametrize("enums", ["encoded", "plain"])
@pytest.mark.parametrize("deep", ["off", "on", "ignored"])
async def test_defaults_and_open_questions_do_not_change_the_result(
    sandbox: SandboxProcess, enums: str, deep: str
) -> None:
    harness = harness_of(sandbox, deepInsert=deep != "off")
    # A default dimension of the account stands on the new line already.
    sandbox.set(enums=enums, deep_insert=deep if deep != "off" else "refused",
                default_dimensions="7140:AVDELING=300,7140:PROSJEKT=P100", page_size=2)  # fmt: skip
    submission = several(harness, {}, {})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
        found = await harness.find(session, submission.references[1])
    assert kinds(outcomes) == "AA"
    dimensions = harness.sandbox.ledger()["entries"][1]["lines"][0]["dimensions"]
    assert dimensions == {"AVDELING": "200", "PROSJEKT": "P100"}
    assert isinstance(found, Posted)
    assert found.lines == (
        PostedLine("7140", Decimal("125.50"), "200"),
        PostedLine("2990", Decimal("-125.50"), ""),
    )


async def test_refused_documents_are_taken_out_and_the_rest_is_posted(harness: Harness) -> None:
    submission = several(harness, {}, BAD, {}, WRONG_ACCOUNT, {})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
    assert kinds(outcomes) == "ARARA"
    centre, account = outcomes[1], outcomes[3]
    assert isinstance(centre, Rejected)
    assert (centre.field, centre.line) == ("cost_centre", 2)
    assert "AVDELING = 9999" in centre.message
    assert "CorrelationId" not in centre.message
    assert isinstance(account, Rejected)
    assert (account.field, account.line) == ("account", 2)
    assert "1111" in account.message
    assert posted(harness) == [submission.references[i] for i in (0, 2, 4)]
    assert our_journals(harness) == []
    assert harness.posts() == 1


async def test_a_batch_that_was_rolled_back_counts_for_nothing(sandbox: SandboxProcess) -> None:
    """The answers before a refusal say 201, and nothing of it is there."""
    harness = harness_of(sandbox, documentsPerJournal=100)
    submission = several(harness, *([{}] * 60), WRONG_ACCOUNT, *([{}] * 10))
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
    assert kinds(outcomes) == "A" * 60 + "R" + "A" * 10
    assert len(posted(harness)) == 70
    assert staged(harness) == []


def two_lines(account: str = "7140", centre: str = "200", counter: str = "2980") -> dict[str, Any]:
    """Changes of a voucher: these accounts, and a cost centre on the first line."""
    lines = (
        VoucherLine(account, Decimal(8), cost_centre=centre),
        VoucherLine(counter, -Decimal(8)),
    )
    return {"lines": lines}


@pytest.mark.parametrize(
    ("options", "odd", "field", "line"),
    [
        (
            {"mandatory_dimensions": "2990:AVDELING"},
            two_lines(counter="2990"),
            "cost_centre",
            2,
        ),
        ({"same_dimensions": "7350:AVDELING=300"}, two_lines("7350"), "cost_centre", 1),
        ({"no_dimensions": "7350:AVDELING"}, two_lines("7350"), "cost_centre", 1),
        ({"blocked_values": "AVDELING=300"}, two_lines(centre="300"), "cost_centre", 1),
        ({"blocked_accounts": "7350"}, two_lines("7350"), "account", 1),
        ({"blocked_accounts": "7350", "blocked_at": "line"}, two_lines("7350"), "account", 1),
        (
            {"posting_to": "2026-03-31"},
            two_lines() | {"posting_date": date(2026, 4, 2)},
            "posting_date",
            1,
        ),
    ],
)
async def test_a_refusal_to_post_names_record_line_and_field(
    harness: Harness, options: dict[str, Any], odd: dict[str, Any], field: str, line: int
) -> None:
    harness.sandbox.add_master_data(accounts={"2980": "Other debts"})
    harness.sandbox.set(**options)
    submission = several(harness, two_lines(), odd, two_lines())
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
    assert kinds(outcomes) == "ARA", outcomes
    refused = outcomes[1]
    assert isinstance(refused, Rejected)
    assert (refused.field, refused.line) == (field, line), refused.message
    assert harness.posts() <= 2
    assert posted(harness) == [submission.references[0], submission.references[2]]
    assert our_journals(harness) == []


async def test_after_many_refusals_the_rest_is_posted_one_by_one(harness: Harness) -> None:
    harness.sandbox.add_master_data(accounts={"2980": "Other debts"})
    harness.sandbox.set(mandatory_dimensions="7140:PROSJEKT")
    submission = several(harness, *([two_lines()] * 7), two_lines("7350"), two_lines("7320"))
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
    assert kinds(outcomes) == "R" * 7 + "AA"
    assert posted(harness) == list(submission.references[7:])
    assert our_journals(harness) == []


async def test_a_number_that_the_vendor_has_had_is_refused(sandbox: SandboxProcess) -> None:
    harness = harness_of(sandbox, partyAccountType="Vendor")
    sandbox.set(vendor_numbers_once=True)
    vendor = {
        "lines": (
            VoucherLine("7140", Decimal(8), cost_centre="200"),
            VoucherLine("2400", Decimal(-8), party="V017"),
        )
    }
    again = {**vendor, "number": 1, "reference": "BAGAINAGAINAGAINAGAI"}
    first = several(harness, vendor)
    second = several(harness, {"reference": "BONEONEONEONEONEONEO"}, again, {})
    async with harness.session() as session:
        before = await send_all(harness, session, first)
        outcomes = await send_all(harness, session, second)
    assert kinds(before) == "A"
    assert kinds(outcomes) == "ARA"
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].field == "reference"


# --- what stands in the way


async def test_a_journal_with_a_balancing_account_is_refused_before_the_first_line(
    harness: Harness,
) -> None:
    harness.sandbox.set(default_balance_account="1920")
    async with harness.session() as session:
        (outcome,) = await send_all(harness, session, several(harness, {}))
    assert isinstance(outcome, Misconfigured)
    assert outcome.problem is not None
    assert outcome.problem.code == "dynamics.balancing_account"
    assert our_journals(harness) == []
    assert "POST /$batch" not in harness.sandbox.requests()["paths"]


@pytest.mark.parametrize(
    "setting", ["number_series", "posting_number_series", "post_with_job_queue"]
)
async def test_settings_of_the_journal_are_refused_where_they_can_be_seen(
    sandbox: SandboxProcess, setting: str
) -> None:
    path = "api/bilag/setup/v1.0/companies({company})/journalBatchSetups"
    harness = harness_of(sandbox, batchSettingsPath=path)
    sandbox.set(exposes_batch_setup=True, **{setting: True})
    async with harness.session() as session:
        (outcome,) = await send_all(harness, session, several(harness, {}))
    assert isinstance(outcome, Misconfigured), outcome
    assert outcome.problem is not None
    assert outcome.problem.code == "dynamics.journal_setting"
    assert our_journals(harness) == []
    assert harness.posts() == 0


async def test_a_number_series_is_told_by_its_effect(harness: Harness) -> None:
    harness.sandbox.set(number_series=True)
    async with harness.session() as session:
        outcomes = await send_all(harness, session, several(harness, {}, {}))
    assert all(isinstance(one, Misconfigured) for one in outcomes)
    assert our_journals(harness) == []
    assert posted(harness) == []


async def test_another_number_at_posting_is_never_taken_for_not_posted(harness: Harness) -> None:
    harness.sandbox.set(posting_number_series=True)
    async with harness.session() as session:
        (outcome,) = await send_all(harness, session, several(harness, {}))
    assert isinstance(outcome, Accepted)
    assert not outcome.booked
    assert "posting number series" in outcome.message
    assert harness.sandbox.ledger()["count"] == 1


async def test_the_job_queue_books_later(sandbox: SandboxProcess) -> None:
    harness = harness_of(sandbox, postsByJobQueue=True)
    sandbox.set(post_with_job_queue=True, job_queue_seconds=1.0)
    submission = several(harness, {}, {})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
        waiting = await harness.find(session, submission.references[0])
        await asyncio.sleep(1.2)
        booked = await harness.find(session, submission.references[0])
    assert [isinstance(one, Accepted) and one.booked for one in outcomes] == [False, False]
    assert isinstance(waiting, Staged)
    assert isinstance(booked, Posted)
    assert sandbox.ledger()["count"] == 2


async def test_a_draft_is_left_for_the_accountant(sandbox: SandboxProcess) -> None:
    harness = harness_of(sandbox, mode="draft")
    submission = several(harness, {}, BAD, {})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
        again = await send_all(harness, session, submission, submission.references[:1])
        found = await harness.find(session, submission.references[0])
    assert kinds(outcomes) == "ARA"
    assert kinds(again) == "A"
    assert isinstance(found, Staged)
    assert harness.posts() == 0
    assert len(staged(harness)) in (2, 4)


@pytest.mark.parametrize("when", ["before", "while_resuming"])
async def test_another_users_line_is_never_posted_nor_deleted(harness: Harness, when: str) -> None:
    submission = several(harness, {})
    code = orjson.loads(submission.body)["journal"]
    async with harness.session() as session:
        harness.strike("error_before", at=[1])
        (first,) = await send_all(harness, session, submission)
        harness.sandbox.meddle("", "stray_line", journal=code)
        (second,) = await send_all(harness, session, submission)
        gone = await harness.connector.discard(submission, session, _permit())
    assert isinstance(first, Unknown)
    assert isinstance(second, Unknown)
    assert second.problem is not None
    assert second.problem.code == "dynamics.stray_line"
    assert posted(harness) == []
    assert staged(harness) == ["STRAY1"]
    assert isinstance(gone, Discarded)
    assert harness.posts() == 1


def _permit(seconds: float = 30.0) -> Permit:
    return Permit(until=running_seconds() + seconds)


# --- interrupted


@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "garbage", "error_before"])
@pytest.mark.parametrize("place", [1, 2, 3])
async def test_an_interrupted_submission_is_resumed_where_it_stood(
    harness: Harness, kind: str, place: int
) -> None:
    """The journal, the lines and the dimensions are the three writes before posting."""
    submission = several(harness, {}, {}, {})
    harness.sandbox.faults({"kind": kind, "on": "write", "at": [place]})
    async with harness.session() as session:
        first = await send_all(harness, session, submission)
        found = await harness.find(session, submission.references[0])
        second = await send_all(harness, session, submission)
    assert kinds(first) == "UUU"
    there = place > 2 or (place == 2 and kind != "error_before")
    assert isinstance(found, Staged if there else Absent)
    assert kinds(second) == "AAA"
    ledger = harness.sandbox.ledger()
    assert (ledger["count"], ledger["duplicateReferences"]) == (3, {})
    assert our_journals(harness) == []
    assert harness.posts() == 1


async def test_what_was_posted_is_not_posted_again_when_resumed(harness: Harness) -> None:
    submission = several(harness, {}, {})
    harness.strike("lost_answer", at=[1])
    async with harness.session() as session:
        first = await send_all(harness, session, submission)
        second = await send_all(harness, session, submission)
    assert (kinds(first), kinds(second)) == ("UU", "AA")
    assert harness.sandbox.ledger()["count"] == 2
    assert harness.posts() == 1


async def test_only_the_open_documents_are_resumed(harness: Harness) -> None:
    """The others are settled: their lines are taken out, not posted."""
    submission = several(harness, {}, {}, {})
    harness.strike("error_before", at=[1])
    async with harness.session() as session:
        await send_all(harness, session, submission)
        outcomes = await send_all(harness, session, submission, submission.references[2:])
    assert kinds(outcomes) == "A"
    assert posted(harness) == [submission.references[2]]
    assert our_journals(harness) == []


@pytest.mark.parametrize("place", ["post", "inner", "write"])
async def test_a_passing_lock_is_waited_for(harness: Harness, place: str) -> None:
    submission = several(harness, {}, {})
    harness.sandbox.faults({"kind": "lock", "on": place, "at": [1]})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
        if place == "write":
            # The lock struck the making of the journal: nothing is there yet, so it can wait.
            assert all(isinstance(one, RetryLater) for one in outcomes)
            outcomes = await send_all(harness, session, submission)
    assert kinds(outcomes) == "AA"
    assert harness.sandbox.ledger()["count"] == 2


@pytest.mark.parametrize("place", ["post", "inner"])
async def test_a_lasting_lock_leaves_nothing_behind(harness: Harness, place: str) -> None:
    harness.sandbox.faults({"kind": "lock", "on": place})
    submission = several(harness, {}, {})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, submission)
    assert all(isinstance(one, RetryLater) for one in outcomes), outcomes
    assert our_journals(harness) == []
    assert harness.sandbox.ledger()["count"] == 0


async def test_a_right_that_is_missing_only_for_posting_takes_everything_back(
    harness: Harness,
) -> None:
    harness.sandbox.faults({"kind": "status", "on": "post", "status": 403})
    async with harness.session() as session:
        outcomes = await send_all(harness, session, several(harness, {}, {}))
    assert all(isinstance(one, Misconfigured) for one in outcomes)
    assert our_journals(harness) == []


async def test_a_refusal_is_not_believed_before_the_ledger_was_asked(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Business Central has had a fault that left entries behind a refusal to post."""
    original = Work.post

    async def posts_and_refuses(self: Work, path: str) -> Reply:
        reply = await original(self, path)
        fault = Fault("Application_DialogException", "Dimension Value AVDELING - 200 is blocked.")
        return replace(reply, status=400, fault=fault)

    monkeypatch.setattr(Work, "post", posts_and_refuses)
    async with harness.session() as session:
        outcomes = await send_all(harness, session, several(harness, {}, {}))
    assert kinds(outcomes) == "AA"
    assert harness.sandbox.ledger()["count"] == 2


async def test_nothing_is_taken_back_once_posting_may_have_begun(harness: Harness) -> None:
    """Posted, refused by the answer, and the ledger cannot be read: then nobody knows."""
    submission = several(harness, {}, {})
    harness.sandbox.faults({"kind": "status", "on": "post", "status": 412})
    async with harness.session() as session:
        await harness.connector.identify(session)
        # The fifth reading comes after the refusal: ledger, journal, lines, lines, ledger.
        harness.sandbox.faults({"kind": "error_before", "on": "read", "at": [5, 6]})
        outcomes = await send_all(harness, session, submission)
    assert all(isinstance(one, Unknown) for one in outcomes), outcomes
    assert len(staged(harness)) == 4


async def test_too_little_time_leaves_it_open_and_the_next_run_ends_it(harness: Harness) -> None:
    submission = several(harness, {}, {})
    harness.sandbox.set(answer_after=0.15)
    async with harness.session() as session:
        first = await send_all(harness, session, submission, seconds=1.0)
        harness.sandbox.set(answer_after=0.0)
        second = await send_all(harness, session, submission)
    harness.sandbox.set(answer_after=0.0)
    assert all(isinstance(one, Unknown | RetryLater) for one in first)
    assert kinds(second) == "AA"
    assert harness.sandbox.ledger()["count"] == 2


# --- taken back


async def test_discarding_leaves_nothing_that_could_be_posted(harness: Harness) -> None:
    submission = several(harness, {}, {})
    harness.strike("error_before", at=[1])
    async with harness.session() as session:
        await send_all(harness, session, submission)
        gone = await harness.connector.discard(submission, session, _permit())
        found = await harness.find(session, submission.references[0])
        nothing = await harness.connector.discard(submission, session, _permit())
    assert isinstance(gone, Discarded)
    assert isinstance(nothing, Discarded)
    assert isinstance(found, Absent)
    assert our_journals(harness) == []


async def test_what_is_posted_cannot_be_discarded(harness: Harness) -> None:
    submission = several(harness, {})
    async with harness.session() as session:
        await send_all(harness, session, submission)
        said = await harness.connector.discard(submission, session, _permit())
        late = await harness.connector.discard(submission, session, _permit(-1))
        harness.sandbox.faults({"kind": "error_before", "on": "read"})
        unread = await harness.connector.discard(submission, session, _permit())
    assert isinstance(said, CannotTell)
    assert isinstance(late, CannotTell)
    assert isinstance(unread, CannotTell)
    assert harness.sandbox.ledger()["count"] == 1


# --- look-up


async def test_a_reversed_voucher_says_by_what(harness: Harness) -> None:
    submission = several(harness, {"lines": (
        VoucherLine("7140", Decimal(8)), VoucherLine("7140", Decimal(8)),
        VoucherLine("2990", Decimal(-16)),
    )})  # fmt: skip
    async with harness.session() as session:
        await send_all(harness, session, submission)
        standing = await harness.find(session, submission.references[0])
        harness.sandbox.meddle(submission.references[0], "reverse")
        found = await harness.find(session, submission.references[0])
    # The same line twice in a voucher is one posting.
    assert isinstance(standing, Posted)
    assert (standing.hits, standing.amount, standing.reversed_by) == (1, Decimal(16), "")
    assert isinstance(found, Posted)
    assert (found.hits, found.amount, found.reversed_by) == (1, Decimal(16), "4")


async def test_an_altered_voucher_shows_its_lines(harness: Harness) -> None:
    submission = several(harness, {})
    async with harness.session() as session:
        await send_all(harness, session, submission)
        harness.sandbox.meddle(submission.references[0], "alter")
        found = await harness.find(session, submission.references[0])
    assert isinstance(found, Posted)
    assert found.amount == Decimal("126.50")


@pytest.mark.parametrize("party", ["Vendor", "Employee"])
async def test_a_line_on_a_person_is_posted_and_resumed(
    sandbox: SandboxProcess, party: str
) -> None:
    """Employee lines are not shown by the API, so a journal that holds them is begun anew."""
    harness = harness_of(sandbox, partyAccountType=party)
    number = {"Vendor": "V017", "Employee": "E017"}[party]
    person = {"lines": (VoucherLine("7140", Decimal(8), cost_centre="200"),
                        VoucherLine("2990", Decimal(-8), party=number))}  # fmt: skip
    unknown = {"lines": (VoucherLine("7140", Decimal(8), cost_centre="200"),
                         VoucherLine("2990", Decimal(-8), party="X999"))}  # fmt: skip
    submission = several(harness, person, unknown, {})
    harness.strike("error_before", at=[1])
    async with harness.session() as session:
        first = await send_all(harness, session, submission)
        second = await send_all(harness, session, submission)
    assert kinds(first) == "URU"
    assert kinds(second) == "ARA", second
    refused = second[1]
    assert isinstance(refused, Rejected)
    assert (refused.field, refused.line) == ("party", 2)
    assert posted(harness) == [submission.references[0], submission.references[2]]
    entry = harness.sandbox.ledger()["entries"][0]
    assert entry["lines"][1]["ledgerOf"] == f"{party} {number}"
    assert our_journals(harness) == []


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_each_voucher_is_posted_once(harness: Harness, seed: int) -> None:
    """Resumed as the engine does it: look-up, then the same submission for what is still open."""
    submission = several(harness, *[BAD if n == 3 else {} for n in range(8)])
    bad = submission.references[3]
    answers = ("lost_answer", "error_after", "garbage", "error_before", "reset_before", "lock")
    harness.sandbox.faults(
        *({"kind": kind, "on": place, "probability": 0.06, "seed": seed * 100 + n}
          for n, kind in enumerate(answers) for place in ("write", "post")),
        *({"kind": kind, "on": "read", "probability": 0.05, "seed": seed * 100 + n}
          for n, kind in enumerate(("error_before", "garbage", "reset_before"))),
        {"kind": "error_before", "on": "inner", "probability": 0.01, "seed": seed},
        {"kind": "expired_token", "on": "write", "probability": 0.05, "seed": seed},
    )  # fmt: skip
    waiting = list(submission.references)
    settled: dict[str, Outcome] = {}
    for _ in range(60):
        if not waiting:
            break
        async with harness.session() as session:
            outcomes = await send_all(harness, session, submission, waiting)
            found = await harness.connector.look_up(waiting, session)
        for reference, outcome in zip(list(waiting), outcomes, strict=True):
            if isinstance(outcome, Accepted | Rejected) or isinstance(found[reference], Posted):
                settled[reference] = outcome
                waiting.remove(reference)
    assert not waiting
    assert isinstance(settled[bad], Rejected)
    ledger = harness.sandbox.ledger()
    assert (ledger["count"], ledger["duplicateReferences"]) == (7, {})
    assert bad not in posted(harness)
    assert staged(harness) == []
