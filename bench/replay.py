"""The bare loop for a real ledger: aiohttp sends recorded requests again, and keeps nothing.

They come in chains: within one the next waits for the answer, and so many chains go at once.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

Ready = tuple[str, URL, dict[str, str], bytes | None, int]


async def _sender(session: aiohttp.ClientSession, chains: Iterator[Sequence[Ready]]) -> None:
    for chain in chains:
        for method, url, headers, body, status in chain:
            async with session.request(method, url, data=body, headers=headers) as response:
                await response.read()
                if response.status != status:
                    raise RuntimeError(f"{method} {url}: {response.status}, not {status}")


def _ready(base: str, one: dict[str, Any]) -> Ready:
    url = URL(base + one["path"], encoded=True)
    return one["method"], url, one["headers"], one["body"].encode() or None, one["status"]


async def replay(
    base: str, chains: list[list[dict[str, Any]]], window: int, login: str
) -> dict[str, float]:
    """Send each request once, `window` chains at a time; returns seconds and CPU of the loop alone.

    Raises RuntimeError on another status than the recorded one.
    """
    waiting = iter([[_ready(base, one) for one in chain] for chain in chains])
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Authorization": login},
    ) as session:
        cpu, started = time.process_time(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(window):
                group.create_task(_sender(session, waiting))
        return {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - cpu,
        }


def main() -> None:
    """Send the chains of a file and print seconds and CPU as one line of JSON.

    What goes into the Authorization header is read from BENCH_LOGIN.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--chains", type=Path, required=True)
    parser.add_argument("--window", type=int, required=True)
    arguments = parser.parse_args()
    chains = json.loads(arguments.chains.read_text())
    login = os.environ["BENCH_LOGIN"]
    found = asyncio.run(replay(arguments.url, chains, arguments.window, login))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
