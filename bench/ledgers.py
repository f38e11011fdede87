"""Claims a second to the sandboxes of real ledgers, against a loop that sends the same requests.

Pairs are interleaved (engine, bare, engine, bare ...), because a shared machine drifts.
"""

import http.client
import json
import statistics
import sys
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.claims import claims
from bench.engine import Engine
from bench.machine import postmaster
from bench.plan import Bench
from bench.processes import Child, Server, cpu_seconds
from bench.real import LEDGERS, RealLedger, master_data

# Often enough for the end of a run, and seldom enough not to be a load of its own.
_POLL_SECONDS = 0.25
_PROCESSES = ("client", "database", "sandbox")


class Sandbox(Server):
    """The sandbox of a ledger that writes down its requests; a context manager."""

    def __init__(self, ledger: RealLedger) -> None:
        super().__init__("bench.recorder", ledger.kind, "--options", json.dumps(ledger.options))
        self.ask("POST", "/_sandbox/master", master_data(ledger))

    def reset(self) -> None:
        """Empty the ledger and begin a new record."""
        self.ask("POST", "/_sandbox/reset")
        self.ask("POST", "/_record/reset")

    def login(self, ledger: RealLedger) -> str:
        """Return what goes into the Authorization header, fetching a token where it takes one."""
        if not ledger.token_path:
            return ledger.login
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", ledger.token_path, urlencode(ledger.token_form))
            return f"Bearer {json.loads(connection.getresponse().read())['access_token']}"
        finally:
            connection.close()

    def proven(self, expected: Mapping[str, Decimal]) -> None:
        """Raise RuntimeError unless each reference is posted once, with its amount, in no hurry."""
        entries = self.ask("GET", "/_sandbox/ledger")["entries"]
        posted = Counter(entry["reference"] for entry in entries)
        amounts = {entry["reference"]: Decimal(entry["amount"]) for entry in entries}
        if posted != Counter(expected.keys()) or amounts != expected:
            raise RuntimeError(f"{len(expected)} claims, and the ledger has {len(entries)}")
        breaches = self.ask("GET", "/_sandbox/requests")["limits"]["breaches"]
        if any(breaches.values()):
            raise RuntimeError(f"a limit of the sandbox was met: {breaches}")


def measure(bench: Bench) -> None:
    """Fill `ledgers` with rates, ratio and requests a claim for each ledger and way to post to it.

    Raises RuntimeError when a claim is not in the ledger exactly once, or not exported.
    """
    bench.results["ledgers"] = []
    for ledger in LEDGERS:
        with Sandbox(ledger) as sandbox, Engine(bench.home, ledger.route(sandbox.url)) as engine:
            pairs = [_pair(bench, ledger, sandbox, engine) for _ in range(bench.sizes.ledger_pairs)]
        bench.results["ledgers"].append(_found(ledger, bench.sizes.ledger_claims, pairs))


def _found(ledger: RealLedger, count: int, pairs: list[dict[str, Any]]) -> dict[str, Any]:
    median = {
        key: statistics.median(pair[key] for pair in pairs)
        for key, value in pairs[0].items()
        if isinstance(value, int | float)
    }
    a_claim = median["requests"] / count
    return {
        "ledger": ledger.name,
        "documents": ledger.documents,
        "in_flight": ledger.window,
        "claims": count,
        "ratio_to_bare": round(median["ratio"], 3),
        "claims_per_second": {"engine": round(median["engine"]), "bare": round(median["bare"])},
        "requests_per_claim": round(a_claim, 3),
        "limit": f"{ledger.requests} / {ledger.seconds} s",
        "limit_claims_per_second": round(ledger.requests / ledger.seconds / a_claim, 1),
        "cpu_us_per_claim": {
            name: round(median[f"{name}_us"], 1)
            for name in ("client", "database", "sandbox", "bare", "sandbox_of_bare")
        },
        "pairs": [
            {k: round(v, 3) if isinstance(v, float) else v for k, v in pair.items()}
            for pair in pairs
        ],
    }


def _pair(bench: Bench, ledger: RealLedger, sandbox: Sandbox, engine: Engine) -> dict[str, Any]:
    count = bench.sizes.ledger_claims
    first = bench.numbers(count)
    expected = {
        engine.reference(first + place): sum(
            (Decimal(line["amount"]) for line in claim["lines"]), Decimal(0)
        )
        for place, claim in enumerate(claims(first, count))
    }
    sent = _run_engine(sandbox, engine, first, count)
    sandbox.proven(expected)
    chains = bench.home / "chains.json"
    chains.write_text(json.dumps(ledger.chains(sandbox.ask("GET", "/_record")["requests"])))
    bare = _run_bare(sandbox, ledger, chains, count)
    sandbox.proven(expected)
    if bare["sent"] != sent["sent"]:
        raise RuntimeError(f"the engine sent {sent['sent']} requests, the loop {bare['sent']}")
    return {
        "ratio": sent["rate"] / bare["rate"],
        "engine": sent["rate"],
        "bare": bare["rate"],
        "requests": sent["requests"],
        "client_us": sent["client_us"],
        "database_us": sent["database_us"],
        "sandbox_us": sent["sandbox_us"],
        "bare_us": bare["cpu_us"],
        "sandbox_of_bare_us": bare["sandbox_us"],
        "paths": sent["paths"],
    }


def _run_engine(sandbox: Sandbox, engine: Engine, first: int, count: int) -> dict[str, Any]:
    """Let a worker deliver claims that have arrived; the rate ends with the last one exported."""
    sandbox.reset()
    engine.take_in(first, count)
    engine.checkpoint()
    database = postmaster(engine.owner_url)
    worker = engine.start_worker()
    try:
        sandbox.ask("GET", "/_record/wait")
        before = _cpu(worker.pid, database, sandbox.pid)
        engine.wait_until_finished(poll_seconds=_POLL_SECONDS)
        after = _cpu(worker.pid, database, sandbox.pid)
    finally:
        worker.stop()
    if states := set(engine.states()) - {"exported"}:
        raise RuntimeError(f"not everything is exported: {states}")
    stats, traffic = sandbox.ask("GET", "/_record/stats"), sandbox.ask("GET", "/_sandbox/requests")
    return {
        "rate": count * 1e9 / (engine.exported_ns() - stats["first_ns"]),
        "sent": stats["requests"],
        "requests": traffic["total"],
        "paths": traffic["paths"],
        **{
            f"{name}_us": (late - early) * 1e6 / count
            for name, early, late in zip(_PROCESSES, before, after, strict=True)
        },
    }


def _cpu(*processes: int | None) -> list[float]:
    return [cpu_seconds(pid) if pid else 0.0 for pid in processes]


def _run_bare(sandbox: Sandbox, ledger: RealLedger, chains: Path, count: int) -> dict[str, float]:
    """Send the recorded requests to the emptied sandbox; the rate ends with the last answer."""
    sandbox.reset()
    login = sandbox.login(ledger)
    before = cpu_seconds(sandbox.pid)
    child = Child(
        [
            sys.executable, "-m", "bench.replay", "--url", sandbox.url,
            "--chains", str(chains), "--window", str(ledger.window),
        ],
        environment={"BENCH_LOGIN": login},
        listen=True,
    )  # fmt: skip
    try:
        found = child.line()
        if child.wait() != 0:
            raise RuntimeError("the bare loop failed")
    finally:
        child.kill()
    stats = sandbox.ask("GET", "/_record/stats")
    return {
        "rate": count * 1e9 / (stats["last_ns"] - stats["first_ns"]),
        "sent": stats["requests"],
        "cpu_us": found["cpu_seconds"] * 1e6 / count,
        "sandbox_us": (cpu_seconds(sandbox.pid) - before) * 1e6 / count,
    }
