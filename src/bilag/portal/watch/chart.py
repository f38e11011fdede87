"""The last days as a drawing made on the server: bars for what went out, a line for what came in.

Only shapes stand in it; numbers and days stand in the table beside it, and in its description.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bilag.monitoring.trend import Day

STEP, HEIGHT, GAP = 20, 120, 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from the ground up, and whether something went wrong on its day."""

    x: int
    y: int
    height: int
    errors: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Shapes in a field of `width` by `height`; `top` is what its full height means."""

    width: int
    height: int
    bar_width: int
    bars: tuple[Bar, ...]
    line: str
    top: int


def chart(days: Sequence[Day]) -> Chart:
    """Return the drawing of some days; without anything on them it is an empty field."""
    top = max((max(day.approved, day.exported) for day in days), default=0) or 1

    def y(count: int) -> int:
        return HEIGHT - round(count * HEIGHT / top)

    bars = tuple(
        Bar(at * STEP + GAP // 2, y(day.exported), HEIGHT - y(day.exported), day.errors > 0)
        for at, day in enumerate(days)
    )
    line = " ".join(f"{at * STEP + STEP // 2},{y(day.approved)}" for at, day in enumerate(days))
    return Chart(len(days) * STEP, HEIGHT, STEP - GAP, bars, line, top)
