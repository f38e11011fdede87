"""Every page of the portal beside 1,000 organizations and 1,000,000 records, at `bilag serve`.

The rows are made by set-based SQL as the owner; the organization that is looked at has a tenth.
"""

import http.client
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.latency import percentile
from bench.plan import Bench
from bilag.app.migrate import migrate
from tests.clusters import Database
from tests.portal.live import serving
from tests.portal.place import FILLED, Place, open_place
from tests.portal.routes import pages
from tests.portal.states import visitor_of

CHUNK = 100_000
WARM = 5
# Measured but not judged: these work on purpose, on a password or on claims that are mapped anew.
_ASIDE = {"account_login", "account_reauthenticate", "mapping:preview", "mapping:save"}

_OWN = f"(SELECT id FROM organizations WHERE slug = '{FILLED}')"
# One organization, book, integration and so on becomes `count` of each: n is the organization.
TENANTS = (
    "INSERT INTO organizations (id, slug, name)"
    " SELECT md5('o' || n)::uuid, 'lag-' || n, 'Lag ' || n FROM generate_series(1, %(count)s) n",
    "INSERT INTO members (organization_id, subject, role)"
    " SELECT md5('o' || n)::uuid, 'person-' || n || '-' || m || '@example.org', 'admin'"
    " FROM generate_series(1, %(count)s) n, generate_series(1, 3) m",
    "INSERT INTO books (id, organization_id, key, name, currency)"
    " SELECT md5('b' || n)::uuid, md5('o' || n)::uuid, 'main', 'Hovedbok', 'NOK'"
    " FROM generate_series(1, %(count)s) n",
    "INSERT INTO organization_integrations (id, organization_id, book_id, key, name,"
    " integration_type, settings, mapping_version)"
    " SELECT md5('i' || n)::uuid, md5('o' || n)::uuid, md5('b' || n)::uuid, 'ledger', 'Ledger',"
    " 'rest', i.settings, 1 FROM generate_series(1, %(count)s) n,"
    f" (SELECT * FROM organization_integrations WHERE organization_id = {_OWN}"
    "  AND integration_type = 'rest') i",
    "INSERT INTO mapping_versions (organization_id, integration_id, version, field_mappings,"
    " created_by) SELECT md5('o' || n)::uuid, md5('i' || n)::uuid, 1, m.field_mappings, 'bench'"
    " FROM generate_series(1, %(count)s) n,"
    f" (SELECT * FROM mapping_versions WHERE organization_id = {_OWN} LIMIT 1) m",
    "INSERT INTO integration_runtime (organization_id, integration_id)"
    " SELECT md5('o' || n)::uuid, md5('i' || n)::uuid FROM generate_series(1, %(count)s) n",
)
# Record n: every tenth is of the organization that is looked at, the others go round the rest.
_OF = """
    SELECT n, CASE WHEN n %% 10 = 0 THEN own.organization_id
              ELSE md5('o' || (1 + n %% %(count)s))::uuid END AS organization_id,
        CASE WHEN n %% 10 = 0 THEN own.id ELSE md5('i' || (1 + n %% %(count)s))::uuid END
            AS integration_id,
        CASE WHEN n %% 10 = 0 THEN own.book_id ELSE md5('b' || (1 + n %% %(count)s))::uuid END
            AS book_id
    FROM generate_series(%(first)s::int, %(last)s::int) n, (
        SELECT i.* FROM organization_integrations i JOIN organizations o
        ON o.id = i.organization_id WHERE o.slug = %(slug)s ORDER BY i.key LIMIT 1) own
"""
RECORDS = f"""
INSERT INTO records (id, organization_id, source_system, source_id, revision, category, currency,
    total, claimant_id, content, content_hash, approved_at, created_at, first_cost_date,
    last_cost_date)
SELECT md5('r' || one.n)::uuid, one.organization_id, sample.source_system, 'R' || one.n, 1,
    (ARRAY['expense', 'mileage', 'honorarium', 'activity'])[1 + one.n %% 4], sample.currency,
    100 + one.n %% 900, 'V' || one.n %% 500, sample.content || jsonb_build_object(
        'sourceId', 'R' || one.n, 'costCentre', (100 * (1 + one.n %% 9))::text),
    sample.content_hash, now() - one.n * interval '30 seconds', now() - one.n * interval '1 minute',
    current_date - one.n %% 700, current_date - one.n %% 700
FROM ({_OF}) one, (SELECT * FROM records LIMIT 1) sample
"""
# 96 of 100 are delivered, after `open` all; what is open is spread over the states of claims.
EXPORTS = f"""
INSERT INTO exports (organization_id, integration_id, book_id, record_id, source_system, source_id,
    revision, live, category, currency, amount, reference, state, state_since, due_at, attempt,
    token, mapping_version, accounting_year, voucher_number, external_reference, exported_at,
    reason)
SELECT one.organization_id, one.integration_id, one.book_id, md5('r' || one.n)::uuid, 'app',
    'R' || one.n, 1, true,
    (ARRAY['expense', 'mileage', 'honorarium', 'activity'])[1 + one.n %% 4], 'NOK',
    100 + one.n %% 900, 'B' || upper(substr(md5(one.n::text), 1, 19)), state,
    now() - one.n * interval '1 second', now() - one.n * interval '1 second', 1, 1, 1, 2026, one.n,
    'X' || one.n, CASE state WHEN 'exported' THEN now() - one.n * interval '1 second' END,
    CASE WHEN state IN ('held', 'failed') THEN '[{{"code": "category_unmapped", "params":
        {{"type": "tolketjeneste"}}}}]'::jsonb END
FROM (SELECT *, CASE WHEN one.n > %(open)s THEN 'exported' ELSE coalesce(
    (ARRAY['held', 'failed', 'pending', 'in_doubt'])[one.n / 10 %% 100 - 95], 'exported')
    END AS state FROM ({_OF}) one) one
"""
TOTALS = """
INSERT INTO export_totals (organization_id, integration_id, currency, listing, state, count, amount)
SELECT organization_id, integration_id, currency, 'current', state, count(*), sum(amount)
FROM (SELECT organization_id, integration_id, currency, amount, 'approved' AS state FROM exports
      WHERE source_id LIKE 'R%%' AND id > %(after)s
      UNION ALL
      SELECT organization_id, integration_id, currency, amount, state FROM exports
      WHERE state = 'exported' AND source_id LIKE 'R%%' AND id > %(after)s) e
GROUP BY 1, 2, 3, 5
ON CONFLICT (organization_id, integration_id, currency, listing, state)
DO UPDATE SET count = export_totals.count + excluded.count,
    amount = export_totals.amount + excluded.amount
"""


def measure(bench: Bench) -> None:
    """Fill `portal`: p50 and p95 of each page in ms, warm, one request at a time over HTTP."""
    home = bench.home / "portal"
    home.mkdir()
    database = database_for(bench, "bench_portal")
    with open_place(database, home) as place:
        seeded = _seed(place, bench.sizes.portal_organizations, bench.sizes.portal_records)
        with serving(place, home / "serve.log") as origin:
            found = _pages(place, origin, bench.sizes.portal_requests)
    slowest = max(found.keys() - _ASIDE, key=lambda name: found[name]["p95"])
    bench.results["portal"] = {
        "organizations": bench.sizes.portal_organizations,
        "records": bench.sizes.portal_records,
        "seeded_in_seconds": round(seeded, 1),
        "requests": bench.sizes.portal_requests,
        "pages": found,
        "slowest": slowest,
        "p95_of_slowest": found[slowest]["p95"],
    }


def database_for(bench: Bench, name: str) -> Database:
    """Make a database of its own on the benchmark's server: the rows would be in others' way."""
    with psycopg.connect(bench.engine.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER bilag_owner")
    owner, application = (
        urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        for url in (bench.engine.owner_url, bench.engine.application_url)
    )
    migrate(owner, application)
    return Database(name, owner, application)


def _seed(place: Place, organizations: int, records: int) -> float:
    started = time.monotonic()
    with place.owner() as owner:
        for statement in TENANTS:
            owner.execute(statement, {"count": organizations})
        for first in range(1, records + 1, CHUNK):
            last = min(first + CHUNK - 1, records)
            given = {"count": organizations, "first": first, "last": last, "slug": FILLED,
                     "open": records}  # fmt: skip
            owner.execute(RECORDS, given)
            owner.execute(EXPORTS, given)
        owner.execute(TOTALS, {"after": 0})
        owner.execute("VACUUM (ANALYZE)")
    return time.monotonic() - started


def _pages(place: Place, origin: str, requests: int) -> dict[str, dict[str, float]]:
    connection = http.client.HTTPConnection(str(urlsplit(origin).netloc), timeout=60)
    found = {}
    for route in pages():
        visitor = place.people[visitor_of(route)]
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies().items())
        headers = {"Cookie": cookies, "Accept-Language": "nb"}
        path = route.path(place)
        if ask(connection, path, headers)[0] != http.client.OK:
            continue
        for _ in range(WARM):
            ask(connection, path, headers)
        taken = sorted(ask(connection, path, headers)[1] for _ in range(requests))
        found[route.name] = {
            "p50": round(percentile(taken, 50), 1),
            "p95": round(percentile(taken, 95), 1),
            "max": round(taken[-1], 1),
        }
    connection.close()
    return found


def ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, Any]
) -> tuple[int, float]:
    """Return the status of a GET and the milliseconds until the whole answer was there."""
    started = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, (time.perf_counter() - started) * 1000
