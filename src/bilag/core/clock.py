"""The clock that decides whether a request may still be written to the socket.

CLOCK_BOOTTIME goes on while a machine sleeps; a process stopped by SIGSTOP sees the time it lost.
"""

import time
from datetime import UTC, datetime

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def running_seconds() -> float:
    """Return seconds since boot, suspension included (CLOCK_MONOTONIC where there is no BOOTTIME).

    Only differences mean anything; never store the value.
    """
    return time.clock_gettime(_CLOCK)


def utc_now() -> datetime:
    """Return this machine's time in UTC, for logs; what is decided by time uses the database's."""
    return datetime.now(UTC)
