"""Xledger's limits, and a count of whoever ran into them.

Refused requests are not counted against the limits themselves.
"""

import time
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Any

from bilag.sandbox.xledger import clock
from bilag.sandbox.xledger.options import Options

# xledger.md §3 [C]: at most 500 nodes in a mass mutation.
NODES_MAX = 500


class Limits:
    """Requests in a window, in flight and against a budget; nodes and rows in one request."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._in_flight = 0
        self.clear()

    def clear(self) -> None:
        """Start counting anew; what is in flight stays so."""
        self._recent: deque[float] = deque()
        self._spent = 0
        self._budget_from = time.time()
        self._breaches: Counter[str] = Counter(burst=0, concurrency=0, credits=0, nodes=0, rows=0)
        self._most: Counter[str] = Counter(burstMax=0, inFlightMax=0, nodesMax=0, rowsMax=0)
        self._operations: Counter[str] = Counter()

    def arrived(self, operations: tuple[str, ...]) -> dict[str, Any] | None:
        """Count a request in; returns the error it is refused with, if it is."""
        self._operations.update(operations)
        self._in_flight += 1
        self._note("inFlightMax", self._in_flight)
        options, now = self._options, time.time()
        while self._recent and self._recent[0] <= now - options.burst_seconds:
            self._recent.popleft()
        if now >= self._budget_from + options.credit_seconds:
            self._budget_from, self._spent = now, 0
        if options.concurrency and self._in_flight > options.concurrency:
            return self._breach("concurrency")
        if len(self._recent) >= options.burst_requests:
            return self._breach("burst")
        if options.credits and self._spent >= options.credits:
            return self._breach("credits")
        self._recent.append(now)
        self._note("burstMax", len(self._recent))
        self._spent += 1
        return None

    def left(self) -> None:
        """Count a request out."""
        self._in_flight -= 1

    def nodes(self, count: int) -> dict[str, Any] | None:
        """Count the nodes of a mutation; returns the error they are refused with, if they are."""
        self._note("nodesMax", count)
        if count <= NODES_MAX:
            return None
        self._breaches["nodes"] += 1
        # xledger.md §3 [C] has the number, its text is UNKNOWN.
        return {"message": f"Too many nodes: {count}. At most {NODES_MAX} are allowed per call."}

    def rows(self, count: int, most: int) -> dict[str, Any] | None:
        """Count the rows a query asks for; returns the error it is refused with, if it is."""
        self._note("rowsMax", count)
        if count <= most:
            return None
        self._breaches["rows"] += 1
        # xledger.md §4 [C] has the number, its text is UNKNOWN.
        return {"message": f"Too many rows: {count}. At most {most} are allowed per query."}

    def as_json(self) -> dict[str, Any]:
        """Return breaches, the most of everything, and requests by operation."""
        return {
            "breaches": dict(self._breaches),
            **self._most,
            "operations": dict(self._operations),
        }

    def _note(self, name: str, count: int) -> None:
        self._most[name] = max(self._most[name], count)

    def _breach(self, name: str) -> dict[str, Any]:
        self._breaches[name] += 1
        return self.error(name)

    def error(self, name: str) -> dict[str, Any]:
        """Return the error of a limit: xledger.md §8 [C], `code` at the top level."""
        if name == "burst":
            # [C3]: the message contains "Too many requests".
            return {
                "code": "BAD_REQUEST.BURST_RATE_LIMIT_REACHED",
                "message": "Too many requests. Please slow down.",
            }
        if name == "concurrency":
            return {
                "code": "BAD_REQUEST.CONCURRENCY_LIMIT_REACHED",
                "message": "Too many concurrent requests.",
            }
        return {
            "code": "BAD_REQUEST.INSUFFICIENT_CREDITS",
            "message": "Insufficient credits.",
            "extensions": {"resetAt": self._reset_at()},
        }

    def _reset_at(self) -> str:
        """xledger.md §8 [C]: the exact time is there; its format is UNKNOWN."""
        # Rounded up: whoever comes at that very second finds the budget filled.
        moment = int(self._budget_from + self._options.credit_seconds) + 1
        if self._options.reset_at == "local":
            return clock.as_text(moment)
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
