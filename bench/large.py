"""Claiming beside millions of exported rows: the worker's own statements on a full table.

Exported rows are made by set-based SQL as the owner; the pending ones arrive like any others.
"""

import asyncio
import time
from typing import Any

import psycopg

from bench.latency import percentile
from bench.plan import WINDOW, Bench
from bilag.delivery.sync import prepare_connection
from bilag.exports import claim as store
from bilag.tenants.scope import organization_scope

_CHUNK = 500_000

# Live and exported, as if each had been sent once; dates spread so that nothing is in one page.
_SEED = """
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, live, category, currency, amount, reference, state, state_since, due_at, attempt,
    token, mapping_version, accounting_year, voucher_number, external_reference, exported_at)
SELECT %(organization)s, %(integration)s, %(book)s, gen_random_uuid(), 'history',
    'old-' || n, 1, true, 'expense', 'NOK', 100 + n %% 900,
    'B' || upper(substr(md5(n::text), 1, 19)), 'exported', now() - n * interval '1 second',
    now() - n * interval '1 second', 1, 1, 1, 2020 + n %% 6, n, 'X' || n,
    now() - n * interval '1 second'
FROM generate_series(%(first)s::int, %(last)s::int) n
"""


def measure(bench: Bench) -> None:
    """Fill `claim_ms`: choosing and claiming a window-full, p50, p95 and max in ms, and the plan.

    The claimed rows are never sent; it is the last measurement of a database.
    """
    sizes = bench.sizes
    seeded = _seed(bench, sizes.exported_rows)
    bench.engine.take_in(bench.numbers(sizes.claim_calls * WINDOW), sizes.claim_calls * WINDOW)
    plan = _plan(bench)
    both, choosing, taking, empty = asyncio.run(_claims(bench))
    bench.results["claim_ms"] = {
        **_summary(both),
        "choose": _summary(choosing),
        "take": _summary(taking),
        "nothing_due": _summary(empty),
        "exported_rows": sizes.exported_rows,
        "calls": len(both),
        "per_call": WINDOW,
        "seeded_in_seconds": round(seeded, 1),
        "plan": plan,
    }


def _seed(bench: Bench, count: int) -> float:
    started = time.monotonic()
    with psycopg.connect(bench.engine.owner_url, autocommit=True) as connection:
        for first in range(1, count + 1, _CHUNK):
            connection.execute(
                _SEED,
                {
                    "organization": bench.engine.organization_id,
                    "integration": bench.engine.integration_id,
                    "book": bench.engine.book.id,
                    "first": first,
                    "last": min(first + _CHUNK - 1, count),
                },
            )
        connection.execute("VACUUM (ANALYZE) exports")
    return time.monotonic() - started


async def _claims(
    bench: Bench,
) -> tuple[list[float], list[float], list[float], list[float]]:
    engine = bench.engine
    both: list[float] = []
    choosing: list[float] = []
    taking: list[float] = []
    empty: list[float] = []
    async with await psycopg.AsyncConnection.connect(
        bench.engine.application_url, autocommit=True
    ) as connection:
        await prepare_connection(connection)
        token, number = bench.engine.sync_token(), 1
        while True:
            started = time.perf_counter()
            found = await store.candidates(
                connection, engine.organization_id, engine.integration_id, after=None, limit=WINDOW
            )
            chosen = time.perf_counter()
            if not found:
                empty.append((chosen - started) * 1000)
                if len(empty) == bench.sizes.claim_calls:
                    return both, choosing, taking, empty
                continue
            number = await _take(bench, connection, found, token, number)
            taken = time.perf_counter()
            choosing.append((chosen - started) * 1000)
            taking.append((taken - chosen) * 1000)
            both.append((taken - started) * 1000)


async def _take(
    bench: Bench,
    connection: psycopg.AsyncConnection[Any],
    found: list[store.Candidate],
    token: int,
    number: int,
) -> int:
    engine = bench.engine
    if number == 1:
        numbers = await store.next_numbers(
            connection, engine.organization_id, engine.book.id, [2026], 1
        )
        number = numbers[2026]
    intents = [
        store.Intent(
            export_id=candidate.id,
            accounting_year=2026,
            voucher_number=number + position,
            fresh=True,
            position=position,
            body="x" * 1_000,
            headers={},
            mapping_version=1,
            attempt=candidate.attempt,
            token=candidate.token,
        )
        for position, candidate in enumerate(found)
    ]
    following = number + len(found)
    claimed = await store.take(
        connection,
        engine.organization_id,
        engine.integration_id,
        engine.book.id,
        sync_token=token,
        intents=intents,
        series={2026: (number, following)},
        send_within_seconds=10.0,
    )
    if claimed is None or len(claimed.export_ids) != len(found):
        raise RuntimeError(f"claimed {claimed} of {len(found)}")
    return following


def _summary(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {
        "p50": round(percentile(ordered, 50), 2),
        "p95": round(percentile(ordered, 95), 2),
        "max": round(ordered[-1], 2),
    }


def _plan(bench: Bench) -> list[str]:
    engine = bench.engine
    with (
        psycopg.connect(bench.engine.application_url, autocommit=True) as connection,
        organization_scope(connection, engine.organization_id),
    ):
        rows = connection.execute(
            "EXPLAIN (ANALYZE, BUFFERS) " + store._CANDIDATES,
            {
                "integration": bench.engine.integration_id,
                "due_at": "-infinity",
                "id": 0,
                "fresh": True,
                "limit": WINDOW,
            },
        )
        return [str(row[0]) for row in rows]
