"""Books as stored: the only writer of their table.

Runs inside `organization_scope`; what amounts and accounting years rest on stays once it is used.
"""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from bilag.core.problem import Problem, Refused
from bilag.integrations.model import Book

_BOOKS = """
SELECT id, organization_id, key, name, currency, year_start_month, number_prefix, number_start,
    rounding_account, closed_through
FROM books WHERE organization_id = %(organization)s AND (%(key)s::text IS NULL OR key = %(key)s)
ORDER BY key
"""

_SAVE_BOOK = """
INSERT INTO books AS b (id, organization_id, key, name, currency, year_start_month, number_prefix,
    number_start, rounding_account, closed_through)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, currency = excluded.currency,
    year_start_month = excluded.year_start_month, number_prefix = excluded.number_prefix,
    number_start = excluded.number_start, rounding_account = excluded.rounding_account,
    closed_through = excluded.closed_through
WHERE (b.name, b.currency, b.year_start_month, b.number_prefix, b.number_start, b.rounding_account,
    b.closed_through) IS DISTINCT FROM (excluded.name, excluded.currency, excluded.year_start_month,
    excluded.number_prefix, excluded.number_start, excluded.rounding_account,
    excluded.closed_through)
"""

# A sync that is going on maps by the days that were open when it began: it stops at its next set.
_FENCE = """
UPDATE integration_runtime r SET sync_token = nextval('sending_tokens')
FROM organization_integrations i
WHERE r.organization_id = %s AND i.id = r.integration_id AND i.book_id = %s
"""


def list_books(connection: psycopg.Connection[Any], organization_id: UUID) -> list[Book]:
    """Return the books of the organization of the scope, by key."""
    return _books(connection, organization_id, None)


def get_book(connection: psycopg.Connection[Any], organization_id: UUID, key: str) -> Book | None:
    """Return the book with this key, or None."""
    return next(iter(_books(connection, organization_id, key)), None)


def save_book(connection: psycopg.Connection[Any], book: Book) -> bool:
    """Create the book or update everything but its key; returns whether a row changed.

    Raises Refused when currency or year start would change under exports: their amounts and
    accounting years rest on them.
    """
    # The lock makes arriving exports, which refer to the book, wait or be seen.
    rows = connection.cursor(row_factory=tuple_row).execute(
        "SELECT currency, year_start_month, closed_through FROM books"
        " WHERE organization_id = %s AND id = %s FOR UPDATE",
        [book.organization_id, book.id],
    )
    old = rows.fetchone()
    if old is not None and old[:2] != (book.currency, book.year_start_month):
        used = connection.cursor(row_factory=tuple_row).execute(
            "SELECT FROM exports WHERE organization_id = %s AND book_id = %s LIMIT 1",
            [book.organization_id, book.id],
        )
        if used.fetchone() is not None:
            raise Refused(Problem("book_in_use", params={"book": book.key}))
    if old is not None and old[2] != book.closed_through:
        connection.execute(_FENCE, [book.organization_id, book.id])
    return (
        connection.execute(
            _SAVE_BOOK,
            [
                book.id,
                book.organization_id,
                book.key,
                book.name,
                book.currency,
                book.year_start_month,
                book.number_prefix,
                book.number_start,
                book.rounding_account,
                book.closed_through,
            ],
        ).rowcount
        == 1
    )


def _books(
    connection: psycopg.Connection[Any], organization_id: UUID, key: str | None
) -> list[Book]:
    rows = connection.cursor(row_factory=class_row(Book))
    return rows.execute(_BOOKS, {"organization": organization_id, "key": key}).fetchall()
