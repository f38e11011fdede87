"""The stage of the connection tests: many sandboxes in one loop, and `bilag` in its own processes.

Each check has an organization and a sandbox of its own, so that they can wait at the same time.
"""

import asyncio
import io
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from aiohttp import web

from bilag.app.cli import run
from bilag.sandbox import business_central, rest, xledger
from bilag.sandbox.business_central.server import BusinessCentralSandbox
from bilag.sandbox.ledger import Ledger
from bilag.sandbox.rest.server import RestSandbox
from bilag.sandbox.xledger.server import XledgerSandbox
from bilag.sandbox.xledger.system import System
from tests.simulation.forked import PRELOAD

# Most of them wait for an answer that does not come.
PROCESSES = 24


@dataclass(frozen=True)
class Ran:
    """What one command left: exit code, stdout, stderr, and how many seconds it took."""

    code: int
    out: str
    err: str
    seconds: float


def _enter(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)


def _run(arguments: Sequence[str]) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    started = time.monotonic()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    return Ran(code, out.getvalue(), err.getvalue(), time.monotonic() - started)


@asynccontextmanager
async def commands(environment: Mapping[str, str]) -> AsyncIterator[Any]:
    """Give a function that runs `bilag` in a process that has it loaded; many run at a time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    with ProcessPoolExecutor(
        PROCESSES, mp_context=context, initializer=_enter, initargs=(dict(environment),)
    ) as pool:
        loop = asyncio.get_running_loop()

        async def bilag(*arguments: str) -> Ran:
            return await loop.run_in_executor(pool, _run, arguments)

        yield bilag


@asynccontextmanager
async def sandbox(
    kind: str, options: Mapping[str, Any], faults: Sequence[Mapping[str, Any]] = ()
) -> AsyncIterator[str]:
    """Serve a sandbox in this loop, with its faults set, and give its address."""
    runner = web.AppRunner(_application(kind, options), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        if faults:
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{url}/_sandbox/faults", data=orjson.dumps(list(faults))) as answer,
            ):
                assert answer.status == 200, await answer.text()
        yield url
    finally:
        await runner.cleanup()


def _application(kind: str, options: Mapping[str, Any]) -> web.Application:
    ledger = Ledger(None)
    if kind == "rest":
        return RestSandbox(rest.Options(**options), ledger).application()
    if kind == "xledger":
        return XledgerSandbox(System(xledger.Options(**options), ledger, None)).application()
    return BusinessCentralSandbox(business_central.Options(**options), ledger).application()


def organization(
    slug: str,
    connector: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    folder: Path,
    networks: Sequence[str] = ("127.0.0.0/8",),
) -> dict[str, Any]:
    """Return an organization as a configuration file has it; its secrets lie in the folder."""
    for name, secret in secrets.items():
        (folder / f"{slug}-{name}").write_text(secret)
    return {
        "slug": slug,
        "name": slug,
        "allowedNetworks": list(networks),
        "books": [{"key": "main", "name": "Main book", "currency": "NOK"}],
        "integrations": [
            {
                "key": "ledger",
                "name": "Ledger",
                "type": connector,
                "book": "main",
                "settings": dict(settings),
                "credentials": {name: f"file:{slug}-{name}" for name in secrets},
                "mapping": {
                    "categories": {"travel": {"account": "7140"}},
                    "counterAccount": "2990",
                    "missingClaimant": "clearing",
                    "clearingAccount": "2990",
                },
            }
        ],
    }


def write(file: Path, organizations: Sequence[Mapping[str, Any]]) -> str:
    """Write a configuration file and return its path."""
    file.write_text(yaml.safe_dump({"organizations": list(organizations)}))
    return str(file)
