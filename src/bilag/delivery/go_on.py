"""What stands half-way in a system that stages: continued with its stored bytes, or taken back.

A submission is never batched anew while any of it may still be staged there.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from bilag.connectors.http import Permit
from bilag.connectors.interface import Submission
from bilag.core.outcome import Discarded, Misconfigured
from bilag.delivery.crash_points import CrashPoint, reach
from bilag.delivery.send import NO_OUTCOME, UnderWay, discard, send, send_until
from bilag.delivery.target import Target
from bilag.delivery.verdict import Attempt, judge
from bilag.exports.claim import take_again
from bilag.exports.recover import Doubtful, stored_submissions
from bilag.exports.settle import settle
from bilag.integrations import runtime
from bilag.tenants.scope import organization_scope_async


async def go_on(
    connection: psycopg.AsyncConnection[Any], target: Target, staged: Sequence[Doubtful]
) -> list[Doubtful]:
    """Continue each submission, or take it back where nobody wants it; returns what had to wait.

    Failure policy: one submission at a time; each is fenced by a token and `send_by` of its own, so
    a worker that is lost here leaves it in doubt as any other.
    """
    groups: dict[tuple[int, bool], list[Doubtful]] = {}
    for row in staged:
        unwanted = row.unwanted and target.capabilities.discard
        groups.setdefault((row.submission_id or 0, unwanted), []).append(row)
    left: list[Doubtful] = []
    for (submission_id, unwanted), rows in groups.items():
        taken = await _go_on_with(connection, target, submission_id, rows, unwanted=unwanted)
        left.extend(row for row in rows if row.id not in taken)
    return left


async def _go_on_with(
    connection: psycopg.AsyncConnection[Any],
    target: Target,
    submission_id: int,
    rows: Sequence[Doubtful],
    *,
    unwanted: bool,
) -> frozenset[int]:
    until = send_until(target)
    taken = await take_again(
        connection, target.organization_id, target.integration.id, submission_id,
        [(row.id, row.attempt, row.token) for row in rows],
        sync_token=target.sync_token, send_within_seconds=target.send_within_seconds,
    )  # fmt: skip
    if taken is None:
        return frozenset()
    target.mark.advance(taken.token)
    reach(CrashPoint.AFTER_TAKEN_AGAIN)
    attempts = tuple(
        Attempt(
            row.id, taken.token, row.attempt + 1, row.failures, row.source_id, row.reference,
            submission_id, taken.body, goes_on=not unwanted, staged=not unwanted,
        )
        for row in rows if row.id in taken.export_ids
    )  # fmt: skip
    references = tuple(attempt.reference for attempt in attempts)
    item = UnderWay(attempts, Submission(references, taken.body, taken.headers), until)
    outcomes = await (discard if unwanted else send)(target, item)
    reach(CrashPoint.AFTER_GONE_ON)
    delivery, floor = target.integration.delivery, target.capabilities.settle_seconds_min
    settlements = [
        judge(attempt, outcomes.get(attempt.reference, NO_OUTCOME), delivery, floor)
        for attempt in attempts
    ]
    await settle(connection, target.chain, settlements)
    for outcome in outcomes.values():
        if isinstance(outcome, Misconfigured):
            async with organization_scope_async(connection, target.organization_id):
                await runtime.set_error(connection, target.integration.id, outcome.message)
            break
    return taken.export_ids


async def take_back(
    connection: psycopg.AsyncConnection[Any], target: Target, refused: Sequence[Doubtful]
) -> frozenset[int]:
    """Take out of the system's queue what it refused to book; returns the export ids taken out.

    What is left there is named to the person, and looked for before it may be sent again.
    """
    if not refused or not target.capabilities.discard:
        return frozenset()
    ids = {row.submission_id for row in refused if row.submission_id}
    stored = await stored_submissions(connection, target.organization_id, sorted(ids))
    gone: set[int] = set()
    for submission_id, (body, headers) in stored.items():
        rows = [row for row in refused if row.submission_id == submission_id]
        submission = Submission(tuple(row.reference for row in rows), body, headers)
        permit = Permit(send_until(target))
        try:
            done = await target.connector.discard(submission, target.session, permit)
        except Exception:  # what is not certainly gone counts as left there  # noqa: BLE001, S112
            continue
        if isinstance(done, Discarded):
            gone.update(row.id for row in rows)
    return frozenset(gone)
