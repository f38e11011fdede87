"""Takes changes back: each change leaves the step that undoes it until it is committed.

`back` undoes down to a mark, newest first; what was committed stays, whatever the mark.
"""

from collections.abc import Callable


class Undo:
    """The uncommitted changes of the request at work; one request works at a time."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []
        self._committed = 0

    def note(self, step: Callable[[], object]) -> None:
        """Remember how to take back the change that was just made."""
        self._steps.append(step)

    def mark(self) -> int:
        """Return the present place."""
        return self._committed + len(self._steps)

    def back(self, mark: int) -> None:
        """Take back every uncommitted change after the mark."""
        while self._steps and self.mark() > mark:
            self._steps.pop()()

    def commit(self) -> None:
        """Let all changes stand."""
        self._committed += len(self._steps)
        self._steps.clear()
