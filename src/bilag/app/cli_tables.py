"""Tables for people: how an integration stands, and lists of exports.

No lines are drawn, so that a screen reader reads words; nothing is told by colour alone.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from bilag.app.cli_open import program
from bilag.app.cli_standing import APPROVED, CURRENT, NEEDS_PERSON, Standing, Sum
from bilag.app.cli_words import amount, notices, word
from bilag.core.problem import Problem, problems_of
from bilag.exports.states import STATES
from bilag.exports.status import ExportRow
from bilag.mapping.dates import TIME_ZONE

NO_WORKER = f"no worker is running, so nothing is delivered: start one with `{program()} worker`"
# The order of the sum rule; `reversed` is shown where there is one.
_ORDER = ("exported", "accepted", "pending", "sending", "failed", "in_doubt", "needs_review",
          "held", "excluded", "cancelled", "superseded", "reversed")  # fmt: skip
_STYLES = {"exported": "green", "failed": "red", **dict.fromkeys(("held", "in_doubt",
           "needs_review"), "yellow")}  # fmt: skip

# From this width on, all columns of a list of exports fit beside each other.
_WIDE = 130

if set(_ORDER) != set(STATES):
    raise RuntimeError("every state has its place in the table")


def print_standing(console: Console, one: Standing, language: str) -> None:
    """Print one integration: a line of what it is, then a block for each currency."""
    console.print(Text(_heading(one, language), style="bold"), soft_wrap=True)
    if one.message:
        console.print(Text(f"  {one.message}"), soft_wrap=True)
    for line in notices(one.runtime.warning or "", one.credentials, language):
        console.print(Text(f"  {line}", style="yellow"), soft_wrap=True)
    for currency in one.currencies:
        print_table(console, _block(one, currency, language))
    if not one.currencies:
        console.print(f"  {word('nothing', language)}")
    console.print()


def print_exports(console: Console, rows: Sequence[ExportRow], language: str) -> None:
    """Print exports one a row, then each reason once with the rows that it keeps waiting.

    A narrow terminal gets the columns that fit; `--json` has them all.
    """
    chosen = [c for c in _COLUMNS if c.narrow or console.width >= _WIDE]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in chosen:
        heading = f"{word(column.key, language)}{column.unit}"
        table.add_column(heading, justify=column.justify, overflow="fold")
    reasons: dict[str, list[str]] = {}
    for row in rows:
        table.add_row(*(column.cell(row, language) for column in chosen))
        for problem in problems_of(row.reason):
            reasons.setdefault(_said(problem, language), []).append(str(row.id))
    print_table(console, table)
    for reason, ids in reasons.items():
        console.print(Text(f"\n{', '.join(ids)}: {reason}"), soft_wrap=True)


class _Column(NamedTuple):
    key: str
    cell: Callable[[ExportRow, str], str | Text]
    narrow: bool = True
    justify: JustifyMethod = "left"
    unit: str = ""


def _state(row: ExportRow, language: str) -> Text:
    return Text(word(row.state, language), style=_STYLES.get(row.state, ""))


_COLUMNS = (
    _Column("id", lambda row, language: str(row.id), justify="right"),
    _Column("integration", lambda row, language: Text(row.integration_key)),
    _Column("claim", lambda row, language: Text(row.source_id)),
    _Column("category", lambda row, language: word(row.category, language), narrow=False),
    _Column("state", _state),
    _Column(
        "amount",
        lambda row, language: f"{amount(row.amount, language)} {row.currency}",
        justify="right",
    ),
    _Column("voucher", lambda row, language: row.display_number),
    _Column("reference", lambda row, language: row.reference, narrow=False),
    _Column(
        "since",
        lambda row, language: f"{row.state_since.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}",
        narrow=False,
        unit=f" ({TIME_ZONE})",
    ),
)


def print_table(console: Console, table: Table) -> None:
    """Print a table; where it is read by a program, rows do not wrap and end with their text."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    console.print(Text(text), soft_wrap=True)


def _said(problem: Problem, language: str) -> str:
    return f"{problem.field}: {problem.text(language)}" if problem.field else problem.text(language)


def _heading(one: Standing, language: str) -> str:
    integration, runtime = one.integration, one.runtime
    synced = word("never", language)
    if runtime.last_sync_at is not None:
        synced = f"{runtime.last_sync_at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M} ({TIME_ZONE})"
        # `ok` says that the sync did its work, not that the system took what it was sent.
        if runtime.last_sync_outcome != "ok":
            synced += f", {word(f'sync_{runtime.last_sync_outcome}', language)}"
    for state in NEEDS_PERSON:
        if count := one.count(state):
            synced += f", {count} {word(state, language)}"
    condition = word(one.condition, language)
    if one.condition == "pause_window" and one.paused_until is not None:
        condition += f" {_local(one.paused_until, one)}"
    coming = ""
    if runtime.next_run_at is not None and integration.enabled:
        coming = f"; {word('next_run', language)}: {_local(runtime.next_run_at, one)}"
    return (
        f"{one.organization.name} ({one.organization.slug}): {integration.name}"
        f" ({integration.key}) - {condition};"
        f" {word('last_sync', language)}: {synced}{coming}"
    )


def _local(moment: datetime, one: Standing) -> str:
    zone = one.integration.delivery.timed().zone
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({zone})"


def _block(one: Standing, currency: str, language: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 2))
    table.add_column(word("state", language), min_width=14)
    table.add_column(word("claims", language), justify="right")
    table.add_column(f"{word('sum', language)} {currency}", justify="right")
    _row(table, word(APPROVED, language), one.sum(currency, APPROVED), language, "bold")
    for state in _ORDER:
        total = one.sum(currency, state)
        if any(total) or state == "exported":
            _row(table, word(state, language), total, language, _STYLES.get(state, ""))
    left = one.difference(currency)
    _row(table, word("difference", language), left, language, "bold red" if any(left) else "bold")
    for (of, listing, state), total in sorted(one.sums.items()):
        if of == currency and listing != CURRENT:
            name = f"{word('apart', language)}: {word(listing, language)}, {word(state, language)}"
            _row(table, name, total, language, "yellow" if state in NEEDS_PERSON else "")
    return table


def _row(table: Table, name: str, total: Sum, language: str, style: str) -> None:
    count, sum_of = total
    table.add_row(name, str(count), amount(sum_of, language), style=style)
