"""Watches deliveries until nothing is due: a bar for each organization, or a line now and then.

Everything shown is read from the database, so it is true whichever worker does the work.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from bilag.app.cli_open import Desk
from bilag.app.cli_rows import WorkLeft, work_left, workers_alive
from bilag.app.cli_standing import APPROVED, UNDER_WAY
from bilag.app.cli_words import word
from bilag.exports.status import totals
from bilag.integrations.model import Integration

_LOOK_EVERY_SECONDS = 0.25
_PLAIN_EVERY_SECONDS = 2.0
# Failure policy: where no sync waits or runs and nothing changes for so long, although rows are due
# and a worker is there, waiting helps no more: the integration is stopped, or waits for somebody.
STILL_SECONDS_MAX = 15.0
_TOLD = ("exported", "accepted", "pending", "sending", "in_doubt", "failed", "held",
         "needs_review", "excluded", "cancelled")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Watched:
    """The integrations of one organization that are watched."""

    at: Desk
    integrations: Sequence[Integration]

    def counts(self) -> Counter[str]:
        """Return how many exports are in each state, and how many came in as `approved`."""
        keys = {one.key for one in self.integrations}
        with self.at.scope() as connection:
            rows = [row for row in totals(connection) if row.integration_key in keys]
        counts: Counter[str] = Counter()
        for row in rows:
            counts[row.state] += row.count
        return counts

    def left(self) -> list[WorkLeft]:
        """Return what each integration has still to do."""
        with self.at.scope() as connection:
            return [work_left(connection, one.id) for one in self.integrations]


def watch(
    every: Sequence[Watched],
    timeout: float,
    console: Console,
    language: str,
    each_look: Callable[[], None] = lambda: None,
) -> bool:
    """Show how it goes until nothing is due any more; False when the time is over before.

    Returns True as well when due rows do not move although a worker is there. What `each_look`
    raises ends it.
    """
    started = moved = time.monotonic()
    before: list[Counter[str]] = []
    with _display(console, language) as display:
        while True:
            each_look()
            left = [one for watched in every for one in watched.left()]
            counts = [watched.counts() for watched in every]
            for watched, found in zip(every, counts, strict=True):
                display.show(watched.at.organization.slug, found)
            if not any(one.sync_waits or one.sync_runs or one.due_soon for one in left):
                return True
            now = time.monotonic()
            asked = any(one.sync_waits or one.sync_runs for one in left)
            if counts != before or asked or not worker_alive(every):
                before, moved = counts, now
            if now - moved > STILL_SECONDS_MAX:
                return True
            if now - started > timeout:
                return False
            time.sleep(_LOOK_EVERY_SECONDS)


def worker_alive(every: Sequence[Watched]) -> bool:
    """Return whether any worker has been heard of lately."""
    with every[0].at.installation.pool.connection() as connection:
        return workers_alive(connection) > 0


class _Display:
    """A bar for each organization on a terminal, else a line when something changed."""

    def __init__(self, console: Console, language: str, bars: Progress | None) -> None:
        self._console = console
        self._language = language
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, tuple[float, str]] = {}

    def show(self, name: str, counts: Counter[str]) -> None:
        unfinished = sum(counts[state] for state in UNDER_WAY)
        done, total = counts[APPROVED] - unfinished, counts[APPROVED]
        told = ", ".join(f"{word(s, self._language)} {counts[s]}" for s in _TOLD if counts[s])
        if self._bars is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=total, told="")
            self._bars.update(self._tasks[name], completed=done, total=total, told=told)
            return
        at, before = self._said.get(name, (0.0, ""))
        if told != before and (time.monotonic() - at > _PLAIN_EVERY_SECONDS or not unfinished):
            self._said[name] = (time.monotonic(), told)
            self._console.print(f"{name}: {done} of {total}: {told or '-'}")


@contextmanager
def _display(console: Console, language: str) -> Iterator[_Display]:
    if not console.is_terminal:
        yield _Display(console, language, None)
        return
    columns = (TextColumn("{task.description}", style="bold", markup=False), BarColumn(30),
               TextColumn("{task.completed:.0f}/{task.total:.0f}"),
               TextColumn("{task.fields[told]}"))  # fmt: skip
    with Progress(*columns, console=console) as bars:
        yield _Display(console, language, bars)
