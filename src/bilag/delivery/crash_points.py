"""Where a worker may be killed or stopped to prove that nothing is lost and nothing is doubled.

The points are part of the code that runs in production; without BILAG_CRASH_AT they do nothing.
"""

import os
import signal
from enum import StrEnum


class CrashPoint(StrEnum):
    """Each step of the engine between which a crash could hurt; the tests walk this list."""

    SYNC_STARTED = "sync_started"
    AFTER_RECOVER = "after_recover"
    BEFORE_SET_ASIDE = "before_set_aside"
    AFTER_SET_ASIDE = "after_set_aside"
    BEFORE_CLAIM = "before_claim"
    AFTER_CLAIM = "after_claim"
    AFTER_MARK = "after_mark"
    BEFORE_WRITE = "before_write"
    AFTER_ANSWER = "after_answer"
    BEFORE_SETTLE = "before_settle"
    AFTER_SETTLE = "after_settle"
    BEFORE_LOOK_UP = "before_look_up"
    AFTER_LOOK_UP = "after_look_up"
    AFTER_RESOLVE = "after_resolve"
    AFTER_TAKEN_AGAIN = "after_taken_again"
    AFTER_GONE_ON = "after_gone_on"
    SYNC_ENDED = "sync_ended"


_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class _Plan:
    """`BILAG_CRASH_AT=point:n[:kill|stop]`: at the n-th time a point is reached, signal us."""

    def __init__(self, text: str) -> None:
        point, _, rest = text.partition(":")
        count, _, action = rest.partition(":")
        self.point = CrashPoint(point) if point else None
        self.left = int(count or 1)
        self.signal = _SIGNALS[action or "kill"]


_plan = _Plan(os.environ.get("BILAG_CRASH_AT", ""))


def reach(point: CrashPoint) -> None:
    """Mark that `point` is reached; dies or stops here when the environment asks for it."""
    if _plan.point is not point:
        return
    _plan.left -= 1
    if _plan.left == 0:
        os.kill(os.getpid(), _plan.signal)
