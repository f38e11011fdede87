"""Spans: how long a request, a sync and a send took, for who watches with OpenTelemetry.

Without a recorder, and by default, nothing is recorded. A span holds ids, counts, states and names
of addresses: never a name of a person, a text of a claim, an amount, a message or a secret.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

Attributes = Mapping[str, str | int]
# Adds attributes to a span that is open.
Note = Callable[[Attributes], None]
# Opens a span; what is raised within is recorded by the name of its type alone.
Recorder = Callable[[str, Attributes], AbstractContextManager[Note]]

NO_ATTRIBUTES: Attributes = {}


def _nothing(attributes: Attributes) -> None:
    """Take a note and forget it."""


@contextmanager
def _forget(name: str, attributes: Attributes) -> Iterator[Note]:
    yield _nothing


_recorders: list[Recorder] = [_forget]


def span(name: str, attributes: Attributes = NO_ATTRIBUTES) -> AbstractContextManager[Note]:
    """Open a span for as long as the block lasts; inside another one it belongs to that one."""
    return _recorders[-1](name, attributes)


@contextmanager
def recorded_by(recorder: Recorder) -> Iterator[None]:
    """Let a recorder have every span of this process for as long as the block lasts."""
    _recorders.append(recorder)
    try:
        yield
    finally:
        _recorders.remove(recorder)
