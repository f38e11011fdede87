"""The exit codes of the command line, and the error that ends a command with one of them.

Scripts rely on the numbers: a code keeps its meaning for ever.
"""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended; `meaning` is the sentence of the help page."""

    meaning: str

    OK = 0, "done"
    PERSON = 1, "done, but something needs a person: refused, held, in doubt, bad rows"
    USAGE = 2, "the command was called in a wrong way"
    NOT_USABLE = 3, "configuration or database cannot be used"
    NOT_FOUND = 4, "no such organization, integration or export"
    TIMEOUT = 5, "not finished in the time allowed"
    NO_WORKER = 6, "no worker is running, so what was asked for waits"
    NOTHING_COMPARED = 7, "reconcile: nothing could be compared, so nothing is proven"
    FAULT = 70, "a fault in bilag itself; please report it"
    INTERRUPTED = 130, "stopped by Ctrl-C"

    def __new__(cls, value: int, meaning: str) -> "Exit":
        """Make a member of the number, with its meaning beside it."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class CommandFailed(Exception):
    """Ends a command: the text says in one line what is wrong and what to do."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code
