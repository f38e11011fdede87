"""Keeps within Xledger's burst limit: so many requests in so many seconds, look-ups included.

One pace a session; requests at once are limited too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bilag.core.clock import running_seconds


class Pace:
    """Places for requests; a place is free again `seconds` after its request has ended.

    Counted from the end, since only then the request has certainly arrived: so no stretch of
    `seconds` sees more than `requests` of them arrive, however long each was on the way.
    """

    def __init__(self, requests: int, seconds: float, at_once: int) -> None:
        self._seconds = seconds
        self._at_once = asyncio.Semaphore(at_once)
        # Failure policy: never full, since a place is put back only by who took it; who waits for
        # a place waits at most `seconds` longer than the requests before it take.
        self._free_from: asyncio.Queue[float] = asyncio.Queue()
        for _ in range(requests):
            self._free_from.put_nowait(0.0)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it while a request is under way."""
        async with self._at_once:
            free_from = await self._free_from.get()
            try:
                if (wait := free_from - running_seconds()) > 0:
                    await asyncio.sleep(wait)
                free_from = 0.0
                yield
            finally:
                # One that was given up while waiting has sent nothing: its place stays as it was.
                self._free_from.put_nowait(free_from or running_seconds() + self._seconds)
