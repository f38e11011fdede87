"""Counts the statements that this process sends to PostgreSQL: Django's, and those of the pool.

Both run on psycopg, so that its cursors are the one place that sees them all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest


@dataclass
class Counted:
    """The statements that were sent, in their order."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)


@contextmanager
def counted() -> Iterator[Counted]:
    """Note every statement of the block; what a pool asks to see whether it is alive is none."""
    seen = Counted()
    with pytest.MonkeyPatch.context() as patch:
        for method in ("execute", "executemany", "copy"):
            _watch(patch, psycopg.Cursor, method, seen)
        _watch(patch, psycopg.ServerCursor, "execute", seen)
        yield seen


def _watch(patch: pytest.MonkeyPatch, kind: Any, method: str, seen: Counted) -> None:
    original = getattr(kind, method)

    def note(cursor: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        seen.statements.append(" ".join(_text(query, cursor).split()))
        return original(cursor, query, *arguments, **named)

    patch.setattr(kind, method, note)


def _text(query: Any, cursor: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else str(query.as_string(cursor))
