"""The bare loop for a real ledger: aiohttp sends recorded requests again, and keeps nothing.

Each goes out as soon as those answers are there that its first sender had: so the order that a
ledger needs is kept, with as many in flight, and without any work or waiting in between.
"""

import argparse
import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL


class Answers:
    """Which answers have come; they are numbered from 1, and may come in another order."""

    def __init__(self) -> None:
        self._all_until = 0
        self._beyond: set[int] = set()
        self._came = asyncio.Event()

    def add(self, number: int) -> None:
        """Note that an answer has come."""
        self._beyond.add(number)
        while self._all_until + 1 in self._beyond:
            self._all_until += 1
            self._beyond.remove(self._all_until)
        self._came.set()

    async def first(self, count: int) -> None:
        """Wait until the first `count` answers have come."""
        while self._all_until < count:
            self._came.clear()
            await self._came.wait()


async def _send(
    session: aiohttp.ClientSession, url: URL, one: dict[str, Any], body: bytes, answers: Answers
) -> None:
    async with session.request(
        one["method"], url, data=body or None, headers=one["headers"]
    ) as response:
        await response.read()
        if response.status != one["status"]:
            raise RuntimeError(
                f"{one['method']} {one['path']} is answered {response.status}, not {one['status']}"
            )
    answers.add(one["answer"])


async def replay(base: str, requests: list[dict[str, Any]], login: str) -> dict[str, float]:
    """Send each request once; returns seconds and CPU seconds of the loop alone.

    Raises RuntimeError on another status than the recorded one.
    """
    ready = [
        (URL(base + one["path"], encoded=True), one, one["body"].encode()) for one in requests
    ]
    answers = Answers()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Authorization": login},
    ) as session:
        cpu, started = time.process_time(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for url, one, body in ready:
                await answers.first(one["after"])
                group.create_task(_send(session, url, one, body, answers))
        return {
            "seconds": time.perf_counter() - started,
            "cpu_seconds": time.process_time() - cpu,
        }


def main() -> None:
    """Send the requests of a file and print seconds and CPU as one line of JSON.

    What goes into the Authorization header is read from BENCH_LOGIN.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=Path, required=True)
    arguments = parser.parse_args()
    requests = json.loads(arguments.requests.read_text())
    found = asyncio.run(replay(arguments.url, requests, os.environ["BENCH_LOGIN"]))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
