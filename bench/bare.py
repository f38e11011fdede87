"""The bare loop: aiohttp posts given bodies with a number in flight, and keeps nothing.

It is the fastest way to post from one Python process, so it is what the engine is measured by.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

_HEADERS = {"Content-Type": "application/json"}


async def _sender(session: aiohttp.ClientSession, url: str, bodies: Iterator[bytes]) -> None:
    for body in bodies:
        async with session.post(url, data=body, headers=_HEADERS) as response:
            await response.read()
            if response.status != 201:
                raise RuntimeError(f"the sink answered {response.status}")


async def post_all(url: str, bodies: list[bytes], window: int) -> dict[str, float]:
    """Post each body once with `window` in flight; returns seconds and CPU of the loop alone.

    Raises RuntimeError on any answer but 201: a rate with failures in it means nothing.
    """
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        waiting = iter(bodies)
        cpu, started = time.process_time(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(window):
                group.create_task(_sender(session, url, waiting))
        seconds = time.perf_counter() - started
        cpu_us = (time.process_time() - cpu) * 1e6 / len(bodies)
    return {
        "posts": len(bodies),
        "seconds": seconds,
        "rate": len(bodies) / seconds,
        "cpu_us_per_claim": cpu_us,
    }


def main() -> None:
    """Post the bodies of a file (one a line) and print rate and CPU as one line of JSON."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--url", required=True)
    options.add_argument("--bodies", type=Path, required=True)
    options.add_argument("--window", type=int, default=32)
    arguments = options.parse_args()
    bodies = arguments.bodies.read_bytes().splitlines()
    print(json.dumps(asyncio.run(post_all(arguments.url, bodies, arguments.window))), flush=True)


if __name__ == "__main__":
    main()
