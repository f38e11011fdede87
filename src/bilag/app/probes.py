"""For whoever runs it: /healthz, /readyz and /metrics; none says anything of a tenant.

They are answered before anything else looks at the request, so that a probe needs no host name, no
session and no sign-in.
"""

import hmac
import ipaddress
import os
import pkgutil
import time
from collections.abc import Callable, Iterable
from functools import cache

import psycopg
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from psycopg_pool import PoolTimeout

from bilag.api.attempts import client_address
from bilag.app import migrations
from bilag.core.spans import Note, span
from bilag.delivery.installation import installation
from bilag.integrations.instance_key import instance_key
from bilag.integrations.keys import VaultError
from bilag.monitoring.installation import figures, jobs_waiting, newest_beat_seconds

# Failure policy: a probe is answered within this, whatever the pool is busy with: not ready.
PATIENCE_SECONDS = 2.0
# A worker says every few seconds that it lives; after this it is taken for late.
BEAT_SECONDS_MAX = 60.0

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)
REQUESTS = Counter(
    "bilag_http_requests", "Requests answered, by address and status.",
    ["view", "method", "status"], registry=REGISTRY,
)  # fmt: skip
SECONDS = Histogram(
    "bilag_http_request_seconds", "How long requests took at the server.", ["view"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10), registry=REGISTRY,
)  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class _Installation:
    """Reads the sums of all organizations when somebody asks; nothing when the database is away."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the figures of the installation."""
        reachable = GaugeMetricFamily("bilag_database_up", "Whether the database answered.")
        try:
            with installation().pool.connection(PATIENCE_SECONDS) as connection:
                found, beat = figures(connection), newest_beat_seconds(connection)
                jobs = jobs_waiting(connection)
        except (psycopg.Error, PoolTimeout, RuntimeError):
            reachable.add_metric([], 0)
            yield reachable
            return
        reachable.add_metric([], 1)
        yield reachable
        for name, text, value in (
            ("organizations", "Organizations.", found.organizations),
            ("integrations_enabled", "Integrations switched on.", found.integrations_enabled),
            ("integrations_stopped", "Those that an error stopped.", found.integrations_stopped),
            ("breakers_open", "Circuit breakers that are open.", found.breakers_open),
            ("claims_pending", "Claims pending.", found.pending),
            ("claims_for_person", "Claims that wait for a person.", found.for_person),
            ("errors_24h", "Attempts that went wrong in 24 hours.", found.errors),
            ("oldest_pending_seconds", "Since when the oldest pending claim could have gone.",
             found.oldest_pending_seconds),
            ("alerts_open", "Alerts that are open.", found.alerts_open),
            ("notices_waiting", "Messages about alerts that wait.", found.notices_waiting),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"bilag_{name}", text, value=value)
        if beat is not None:
            text = "Since a worker was heard of last."
            yield GaugeMetricFamily("bilag_worker_beat_seconds", text, value=beat)
        queued = GaugeMetricFamily("bilag_jobs", "Jobs of the queue.", labels=["state"])
        for state, count in jobs.items():
            queued.add_metric([state], count)
        yield queued


REGISTRY.register(_Installation())


class Probes:
    """Middleware, the first of all: answers the three addresses, and counts everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            if request.path == "/healthz":
                return HttpResponse("ok", content_type="text/plain")
            if request.path == "/readyz":
                return _ready(strict="worker" in request.GET)
            if request.path == "/metrics":
                return _metrics(request)
        with span("request") as note:
            return self._counted(request, note)

    def _counted(self, request: HttpRequest, note: Note) -> HttpResponse:
        started = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        # the name of the address, never the address: organizations stand in that
        view = (match.view_name or "unnamed") if match else "none"
        method = request.method if request.method in _METHODS else "other"
        note({"http.request.method": method, "http.route": view,
              "http.response.status_code": response.status_code,
              "bilag.request_id": getattr(request, "id", "")})  # fmt: skip
        REQUESTS.labels(view, method, str(response.status_code)).inc()
        SECONDS.labels(view).observe(time.perf_counter() - started)
        return response


def _ready(*, strict: bool) -> HttpResponse:
    """Say whether requests can be served; with `strict` a late worker counts as well."""
    checks: dict[str, str] = {"database": "failed", "migrations": "unknown", "keys": "unknown",
                              "worker": "unknown"}  # fmt: skip
    try:
        with installation().pool.connection(PATIENCE_SECONDS) as connection:
            checks["database"] = "ok"
            done = connection.execute("SELECT name FROM django_migrations WHERE app = 'bilag'")
            missing = _ours() - {str(row[0]) for row in done.fetchall()}
            checks["migrations"] = "missing" if missing else "ok"
            beat = newest_beat_seconds(connection)
            checks["worker"] = "late" if beat is None or beat > BEAT_SECONDS_MAX else "ok"
            try:
                instance_key(connection, installation().vault)
                checks["keys"] = "ok"
            except VaultError:
                checks["keys"] = "failed"
    except (psycopg.Error, PoolTimeout):
        pass  # what was not reached stays as it is
    needed = [state for name, state in checks.items() if strict or name != "worker"]
    status = 200 if all(state == "ok" for state in needed) else 503
    return JsonResponse(checks, status=status, headers={"Cache-Control": "no-store"})


def _metrics(request: HttpRequest) -> HttpResponse:
    """Answer to who has the token, or asks from a network that the operator named; else 404."""
    if not (_has_token(request) or _is_near(request)):
        return HttpResponseNotFound("not found", content_type="text/plain")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    token = os.environ.get("BILAG_METRICS_TOKEN", "")
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and kind == "Bearer" and same


def _is_near(request: HttpRequest) -> bool:
    networks = os.environ.get("BILAG_METRICS_NETWORKS", "").replace(",", " ").split()
    if not networks:
        return False
    try:
        address = ipaddress.ip_address(client_address(request).partition("%")[0])
        return any(address in ipaddress.ip_network(one, strict=False) for one in networks)
    except ValueError:
        return False


@cache
def _ours() -> frozenset[str]:
    names = (one.name for one in pkgutil.iter_modules(migrations.__path__))
    return frozenset(names)
