"""The pages that watch, beside a tenth of a history and all of it: their times, and what they read.

N exports and 2N rows of the log of 1,000 organizations are made by set-based SQL as the owner; a
tenth of them is of the organization that is looked at. What is open stays the same 2,000 claims.
"""

import http.client
import time
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.latency import percentile
from bench.plan import Bench
from bench.portal import (
    CHUNK,
    EXPORTS,
    RECORDS,
    TENANTS,
    TOTALS,
    WARM,
    ask,
    database_for,
)
from tests.portal.live import serving
from tests.portal.place import FILLED, Place, open_place

OPEN = 2_000
PAGES = {
    "dashboard": ("admin", f"/o/{FILLED}/"),
    "overview": ("global", "/admin-overview"),
    "audit log": ("admin", f"/o/{FILLED}/audit"),
    "failed": ("admin", f"/o/{FILLED}/exports?state=failed"),
    "claims": ("admin", f"/o/{FILLED}/exports"),
}
# A server process tells what it has read when it has been idle for ten seconds, or commits later.
_TOLD_AFTER_SECONDS = 11.0
_LOGS = """
INSERT INTO sync_logs (organization_id, at, integration_id, run_id, export_id, source_id, reference,
    attempt, event, outcome, http_status, duration_ms, answer, row_hash, link, position)
SELECT e.organization_id, e.state_since + m * interval '1 second', e.integration_id,
    md5('s' || e.id / 500)::uuid, e.id, e.source_id, e.reference, 1,
    CASE m WHEN 1 THEN 'mapped' ELSE 'sent' END,
    CASE WHEN m = 2 AND e.id %% 100 = 0 THEN 'rejected' ELSE 'accepted' END, 201, 40,
    repeat('x', 120), ''::bytea, e.id, m
FROM exports e, generate_series(1, 2) m WHERE e.id > %(after)s AND e.source_id LIKE 'R%%'
"""
_READ = """
SELECT relname, seq_tup_read::bigint, coalesce(idx_tup_fetch, 0)::bigint
FROM pg_stat_user_tables
WHERE relname ~ '^(exports|records|sync_logs|change_logs|export_runs|submissions|audit_links)'
"""


def measure(bench: Bench) -> None:
    """Fill `history`: p50 and p95 of each page in ms at N/10 and at N, and the rows read for one.

    Rows are counted by PostgreSQL: `scanned` by sequential scans, `fetched` by indexes.
    """
    home, rows = bench.home / "history", bench.sizes.history_exports
    home.mkdir()
    database = database_for(bench, "bench_history")
    stages: dict[str, Any] = {}
    with open_place(database, home) as place:
        with place.owner() as owner:
            for statement in TENANTS:
                owner.execute(statement, {"count": bench.sizes.portal_organizations})
        reached = 0
        for count in (rows // 10, rows):
            seconds = _seed(place, bench.sizes.portal_organizations, reached + 1, count)
            reached = count
            with serving(place, home / "serve.log") as origin:
                pages = _measure_pages(place, origin, bench.sizes.portal_requests)
            stages[str(count)] = {"seeded_in_seconds": round(seconds, 1), "pages": pages}
    few, many = (stage["pages"] for stage in stages.values())
    bench.results["history"] = {
        "organizations": bench.sizes.portal_organizations,
        "exports": rows,
        "log_rows": 2 * rows,
        "stages": stages,
        "p95_of_slowest": max(page["p95"] for page in many.values()),
        "growth_of_most": round(max(many[n]["p95"] / few[n]["p95"] for n in PAGES), 2),
        "rows_scanned_more": max(many[n]["scanned"] - few[n]["scanned"] for n in PAGES),
        "rows_fetched_more": max(many[n]["fetched"] - few[n]["fetched"] for n in PAGES),
    }


def _seed(place: Place, organizations: int, first: int, last: int) -> float:
    started = time.monotonic()
    with place.owner() as owner:
        before = _newest(owner)
        for begin in range(first, last + 1, CHUNK):
            after = _newest(owner)
            given = {"count": organizations, "first": begin, "last": min(begin + CHUNK - 1, last),
                     "slug": FILLED, "open": OPEN, "after": after}  # fmt: skip
            for statement in (RECORDS, EXPORTS, _LOGS):
                owner.execute(statement, given)
        owner.execute(TOTALS, {"after": before})
        owner.execute("VACUUM (ANALYZE)")
    return time.monotonic() - started


def _newest(owner: psycopg.Connection[Any]) -> int:
    row = owner.execute("SELECT coalesce(max(id), 0) FROM exports").fetchone()
    return int(row[0]) if row else 0


def _measure_pages(place: Place, origin: str, requests: int) -> dict[str, dict[str, float]]:
    connection = http.client.HTTPConnection(str(urlsplit(origin).netloc), timeout=120)
    found = {}
    before = _read(place)
    for name, (who, path) in PAGES.items():
        cookies = "; ".join(f"{key}={value}" for key, value in place.people[who].cookies().items())
        headers = {"Cookie": cookies, "Accept-Language": "nb"}
        for _ in range(WARM):
            status, _ = ask(connection, path, headers)
            assert status == http.client.OK, f"{path} answers {status}"
        taken = sorted(ask(connection, path, headers)[1] for _ in range(requests))
        after = _read(place)
        found[name] = {
            "p50": round(percentile(taken, 50), 1),
            "p95": round(percentile(taken, 95), 1),
            "max": round(taken[-1], 1),
            "scanned": round((after[0] - before[0]) / (WARM + requests)),
            "fetched": round((after[1] - before[1]) / (WARM + requests)),
        }
        before = after
    connection.close()
    return found


def _read(place: Place) -> tuple[int, int]:
    """Return how many rows of what grows with history were read so far: by scans, by indexes."""
    time.sleep(_TOLD_AFTER_SECONDS)
    with place.owner() as owner:
        rows = owner.execute(_READ).fetchall()
    return sum(row[1] for row in rows), sum(row[2] for row in rows)
