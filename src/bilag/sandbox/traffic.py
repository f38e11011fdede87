"""Counts the requests a sandbox got, so that a test can prove what was not sent.

Counted on arrival, whatever the answer; in flight means not answered yet.
"""

from collections import Counter
from typing import Any

PATHS_MAX = 1000


class Traffic:
    """Requests by method and path, and how many were in flight at most."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start counting anew; what is in flight stays so."""
        self._paths: Counter[str] = Counter()
        self._in_flight = getattr(self, "_in_flight", 0)
        self._in_flight_max = 0

    def arrived(self, method: str, path: str) -> None:
        """Count a request that came in."""
        name = f"{method} {path}"
        if name in self._paths or len(self._paths) < PATHS_MAX:
            self._paths[name] += 1
        self._in_flight += 1
        self._in_flight_max = max(self._in_flight_max, self._in_flight)

    def left(self) -> None:
        """Count a request whose answer is out, or cut."""
        self._in_flight -= 1

    def as_json(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "paths": dict(self._paths),
            "total": self._paths.total(),
            "inFlight": self._in_flight,
            "inFlightMax": self._in_flight_max,
        }
