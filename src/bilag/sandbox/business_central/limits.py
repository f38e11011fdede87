"""Business Central's limits of each user: at work, waiting, per five minutes (dynamics.md §1.8).

Counts what was used and what was refused, so that a test can prove no limit was passed.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bilag.sandbox.business_central.options import Options
from bilag.sandbox.business_central.refusals import Refused, too_many


class _User:
    def __init__(self) -> None:
        self.working = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.times: deque[float] = deque()


class Limits:
    """Slots and rates of all users, and the counts that `/_sandbox/requests` shows."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._users: dict[str, _User] = {}
        self.clear()

    def clear(self) -> None:
        """Start counting anew; what is at work stays so, the window of the rate is emptied."""
        for user in self._users.values():
            user.times.clear()
        self.operations: Counter[str] = Counter()
        self._in_flight_max = 0
        self._batch_max = 0
        self._rate_max = 0
        self.breaches: Counter[str] = Counter()

    def batch(self, operations: int) -> None:
        """Note the size of a batch."""
        self._batch_max = max(self._batch_max, operations)

    @asynccontextmanager
    async def slot(self, name: str) -> AsyncIterator[None]:
        """Hold one of the user's slots; raises Refused when there are too many requests.

        Failure policy: waits at most `queue_seconds`, then 503; nothing was done by then.
        """
        user = self._users.setdefault(name, _User())
        self._admit(user)
        await self._wait(user)
        try:
            yield
        finally:
            user.working -= 1
            while user.waiting and user.working < self._options.concurrent_max:
                waiter = user.waiting.popleft()
                if not waiter.done():
                    user.working += 1
                    waiter.set_result(None)

    def _admit(self, user: _User) -> None:
        options = self._options
        open_ones = user.working + len(user.waiting) + 1
        self._in_flight_max = max(self._in_flight_max, open_ones)
        if open_ones > options.connections_max:
            self.breaches["connections"] += 1
            raise too_many(open_ones, options.connections_max, options.too_many_retry_after)
        now = time.monotonic()
        while user.times and user.times[0] <= now - options.rate_seconds:
            user.times.popleft()
        user.times.append(now)
        self._rate_max = max(self._rate_max, len(user.times))
        if len(user.times) > options.rate_requests:
            self.breaches["rate"] += 1
            raise too_many(len(user.times), options.rate_requests, options.too_many_retry_after)

    async def _wait(self, user: _User) -> None:
        if user.working < self._options.concurrent_max:
            user.working += 1
            return
        self.breaches["concurrent"] += 1
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        user.waiting.append(waiter)
        try:
            await asyncio.wait_for(waiter, self._options.queue_seconds)
        except TimeoutError:
            if waiter in user.waiting:
                user.waiting.remove(waiter)
            self.breaches["queue"] += 1
            # dynamics.md §1.8: 503 carries Retry-After; the code is UNKNOWN.
            raise Refused(503, "Unknown", "Service unavailable.", "5") from None

    def as_json(self) -> dict[str, Any]:
        """Return what was used and what was passed."""
        return {
            "inFlightMax": self._in_flight_max,
            "operations": dict(self.operations),
            "batchOperationsMax": self._batch_max,
            "requestsInWindowMax": self._rate_max,
            "breaches": dict(self.breaches),
        }
