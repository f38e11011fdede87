"""procrastinate with a job for each claim: it posts the claim, and is retried when that fails.

Usage: procrastinate_peer.py {prepare|run|restart} --url --claims --home --answer --database-url D.
"""

# mypy: disable-error-code="import-not-found,untyped-decorator,no-any-return"

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import procrastinate

# Failure policy: a dead worker is noticed after 3 s instead of 30 s, only to keep the run short.
_HEARTBEAT_SECONDS = 1.0
_STALLED_SECONDS = 3.0
_session: list[aiohttp.ClientSession] = []


def make_app(options: argparse.Namespace) -> procrastinate.App:
    """Return the app with its one task; it retries at once, at most 5 times."""
    # The pool and the notifications stay as the library has them: neither changed the rate.
    connector = procrastinate.PsycopgConnector(conninfo=options.database_url)
    app = procrastinate.App(connector=connector)

    @app.task(name="post_claim", retry=5)
    async def post_claim(claim: dict[str, Any]) -> None:
        async with _session[0].post(options.url, json=claim) as response:
            response.raise_for_status()
            await response.read()

    return app


async def prepare(app: procrastinate.App, options: argparse.Namespace) -> dict[str, Any]:
    """Apply procrastinate's schema and defer one job for each claim, 1,000 in a statement."""
    await app.schema_manager.apply_schema_async()
    lines = options.claims.read_bytes().splitlines()
    task = app.tasks["post_claim"]
    for start in range(0, len(lines), 1000):
        jobs = [{"claim": json.loads(line)} for line in lines[start : start + 1000]]
        await task.configure().batch_defer_async(*jobs)
    return {"jobs": len(lines)}


async def run(app: procrastinate.App, options: argparse.Namespace) -> dict[str, Any]:
    """Work until the queue is empty, `window` jobs at a time."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        _session[:] = [session]
        await app.run_worker_async(
            concurrency=options.window,
            wait=False,
            install_signal_handlers=False,
            update_heartbeat_interval=_HEARTBEAT_SECONDS,
            stalled_worker_timeout=_STALLED_SECONDS,
        )
    return {}


async def restart(app: procrastinate.App, options: argparse.Namespace) -> dict[str, Any]:
    """Work on, then apply the documented recipe (retry stalled jobs), then work again.

    `stuck` is how many jobs stood in `doing` before the recipe: without it they stay for ever.
    """
    await run(app, options)
    await asyncio.sleep(_STALLED_SECONDS + 1)
    stuck = len(list(await app.job_manager.list_jobs_async(status="doing")))
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
        await app.job_manager.retry_job(job)
    await run(app, options)
    return {"stuck": stuck}


async def main() -> None:
    """Prepare the queue, work it off, or work it off after a crash."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("step", choices=["prepare", "run", "restart"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--claims", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--database-url", required=True)
    options = parser.parse_args()
    app = make_app(options)
    async with app.open_async():
        step = {"prepare": prepare, "run": run, "restart": restart}[options.step]
        options.answer.write_text(json.dumps(await step(app, options)))


if __name__ == "__main__":
    asyncio.run(main())
