"""What a change of mapping is about: the claims that wait, and why those that are held are held.

Everything goes by the two indexes of what is not finished; nothing here grows with history.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bilag.exports.decide import release

# Read so many rows at a time: memory stays flat, however many wait.
_AT_A_TIME = 1_000
# Of what is held no more than so many are looked at when reasons are counted.
HELD_MAX = 10_000

# What a claim can be held for that another mapping may cure.
MAPPING_CODES = (
    "type_not_mapped", "claimant_not_mapped", "clearing_account_missing",
    "counter_account_missing", "cost_centre_not_mapped", "project_not_mapped",
    "vat_code_not_mapped", "vat_not_carried", "field_required", "field_too_long",
    "value_not_in_table", "value_not_a_date", "value_not_a_number", "cannot_be_built",
)  # fmt: skip


class AffectedRecord(NamedTuple):
    """A claim that is pending, held or failed, with what its next voucher is made from.

    `sent_again`: its stored bytes go out unchanged, whatever the mapping says. `curable`: it is
    held for something that another mapping may cure.
    """

    export_id: int
    state: str
    content: dict[str, Any]
    reference: str
    part: int
    source_id: str
    currency: str
    amount: Decimal
    open_day: date | None
    sent_again: bool
    refusals: int
    accounting_year: int | None
    voucher_number: int | None
    curable: bool


class WaitingFor(NamedTuple):
    """A value that no mapping covers: on how many held claims, and one of them."""

    value: str
    records: int
    source_id: str


_COLUMNS = """
SELECT e.id, e.state, r.content, e.reference, e.part, e.source_id, e.currency, e.amount, e.open_day,
    e.state = 'pending' AND e.submission_id IS NOT NULL, e.refusals, e.accounting_year,
    e.voucher_number, e.state = 'held' AND e.reason IS NOT NULL AND (
        SELECT bool_or(p ->> 'code' = ANY (%(codes)s)) AND NOT bool_or(p ->> 'code' LIKE 'period%%')
        FROM jsonb_array_elements(CASE e.reason ->> 'code' WHEN 'several'
            THEN e.reason -> 'problems' ELSE jsonb_build_array(e.reason) END) AS p)
"""

_AFFECTED = f"""{_COLUMNS}
FROM (
    SELECT * FROM exports WHERE integration_id = %(integration)s AND for_person
      AND state IN ('held', 'failed') AND live
    UNION ALL
    SELECT * FROM exports WHERE integration_id = %(integration)s AND for_engine
      AND state = 'pending' AND live IS NOT FALSE
) e
CROSS JOIN LATERAL (SELECT content FROM records WHERE id = e.record_id OFFSET 0) r
"""

_COUNTED = """
SELECT (SELECT count(*) FROM exports WHERE integration_id = %(integration)s AND for_person
          AND state IN ('held', 'failed') AND live)
     + (SELECT count(*) FROM exports WHERE integration_id = %(integration)s AND for_engine
          AND state = 'pending' AND live IS NOT FALSE)
"""

_CHOSEN = f"""{_COLUMNS}
FROM exports e JOIN records r ON r.id = e.record_id
WHERE e.organization_id = current_organization() AND e.integration_id = %(integration)s
  AND e.source_id = ANY (%(ids)s) AND e.state <> 'superseded'
ORDER BY e.source_id, e.generation DESC, e.part
"""

# The problems of a held claim: one, or several under one reason.
_PROBLEMS = """
CROSS JOIN LATERAL jsonb_array_elements(CASE e.reason ->> 'code' WHEN 'several'
    THEN e.reason -> 'problems' ELSE jsonb_build_array(e.reason) END) AS p
"""

_WAITING_FOR = f"""
SELECT p -> 'params' ->> %(param)s, count(DISTINCT e.id), min(e.source_id)
FROM (SELECT id, source_id, reason FROM exports WHERE integration_id = %(integration)s
        AND for_person AND state = 'held' AND live AND reason IS NOT NULL LIMIT {HELD_MAX}) e
{_PROBLEMS}
WHERE p ->> 'code' = %(code)s AND p -> 'params' ->> %(param)s IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC, 1
"""

# A claim that a person told to wait for its period stays as it was decided.
_HELD_BY_MAPPING = f"""
SELECT e.id FROM exports e {_PROBLEMS}
WHERE e.integration_id = %(integration)s AND e.for_person AND e.state = 'held' AND e.live
  AND e.reason IS NOT NULL
GROUP BY e.id
HAVING bool_or(p ->> 'code' = ANY (%(codes)s)) AND NOT bool_or(p ->> 'code' LIKE 'period_closed%%')
"""


def affected_records(
    connection: psycopg.Connection[Any], integration_id: UUID
) -> Iterator[AffectedRecord]:
    """Yield what waits: held and failed first, then pending, as one view in flat memory."""
    with connection.cursor(name="affected_records") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_AFFECTED, {"integration": integration_id, "codes": list(MAPPING_CODES)})
        for row in cursor:
            yield AffectedRecord(*row)


def count_affected(connection: psycopg.Connection[Any], integration_id: UUID) -> int:
    """Return how many claims `affected_records` would yield."""
    row = connection.execute(_COUNTED, {"integration": integration_id}).fetchone()
    return int(row[0]) if row else 0


def chosen_records(
    connection: psycopg.Connection[Any], integration_id: UUID, source_ids: Sequence[str]
) -> list[AffectedRecord]:
    """Return the newest generation of these claims, in the order given; unknown are left out."""
    rows = connection.execute(
        _CHOSEN,
        {"integration": integration_id, "ids": list(source_ids), "codes": list(MAPPING_CODES)},
    )
    found: dict[str, AffectedRecord] = {}
    for row in rows:
        record = AffectedRecord(*row)
        found.setdefault(record.source_id, record)
    return [found[source_id] for source_id in dict.fromkeys(source_ids) if source_id in found]


def waiting_for(
    connection: psycopg.Connection[Any], integration_id: UUID, code: str, param: str
) -> list[WaitingFor]:
    """Return the values that held claims wait for, those of most claims first.

    At most 10,000 held claims are looked at, so a count is then a lower bound.
    """
    found = connection.execute(
        _WAITING_FOR, {"integration": integration_id, "code": code, "param": param}
    )
    return [WaitingFor(*row) for row in found.fetchall()]


def release_held_by_mapping(
    connection: psycopg.Connection[Any], organization_id: UUID, integration_id: UUID, *, actor: str
) -> list[int]:
    """Put back to pending what is held for a reason that another mapping may cure.

    The next sync maps it anew and holds what is still missing something; returns the ids.
    """
    rows = connection.execute(
        _HELD_BY_MAPPING, {"integration": integration_id, "codes": list(MAPPING_CODES)}
    ).fetchall()
    return release(
        connection, organization_id, actor=actor, integration_id=integration_id,
        from_state="held", export_ids=[row[0] for row in rows],
    ) if rows else []  # fmt: skip


def peek_numbers(
    connection: psycopg.Connection[Any], book_id: UUID, number_start: int
) -> dict[int, int]:
    """Return the next voucher number of each accounting year that has been opened; takes none."""
    rows = connection.execute(
        "SELECT accounting_year, next_number FROM voucher_series"
        " WHERE organization_id = current_organization() AND book_id = %s",
        [book_id],
    )
    return {int(year): max(int(number), number_start) for year, number in rows.fetchall()}


def recent_claims(
    connection: psycopg.Connection[Any], integration_id: UUID, limit: int
) -> list[tuple[str, str, str]]:
    """Return (source id, state, category): what waits for a person, then the newest."""
    rows = connection.execute(
        "(SELECT source_id, state, category FROM exports WHERE integration_id = %(integration)s"
        " AND for_person AND state IN ('held', 'failed') AND live ORDER BY id LIMIT %(limit)s)"
        " UNION ALL (SELECT source_id, state, category FROM exports"
        " WHERE organization_id = current_organization() AND integration_id = %(integration)s"
        " AND live ORDER BY id DESC LIMIT %(limit)s)",
        {"integration": integration_id, "limit": limit},
    ).fetchall()
    return list(dict.fromkeys(rows))[:limit]
