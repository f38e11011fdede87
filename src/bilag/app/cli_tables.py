"""Tables for people: how an integration stands, and lists of exports.

No lines are drawn, so that a screen reader reads words; nothing is told by colour alone.
"""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bilag.app.cli_standing import APPROVED, CURRENT, NEEDS_PERSON, Standing, Sum
from bilag.app.cli_words import amount, word
from bilag.core.problem import Problem
from bilag.delivery.accounting import problems_of
from bilag.exports.states import STATES
from bilag.exports.status import ExportRow
from bilag.mapping.dates import TIME_ZONE

NO_WORKER = "no worker is running, so nothing is delivered: start one with `bilag worker`"
# The order of the sum rule; `reversed` is shown where there is one.
_ORDER = ("exported", "accepted", "pending", "sending", "failed", "in_doubt", "needs_review",
          "held", "excluded", "cancelled", "superseded", "reversed")  # fmt: skip
_STYLES = {"exported": "green", "failed": "red", **dict.fromkeys(("held", "in_doubt",
           "needs_review"), "yellow")}  # fmt: skip

if set(_ORDER) != set(STATES):
    raise RuntimeError("every state has its place in the table")


def print_standing(console: Console, one: Standing, language: str) -> None:
    """Print one integration: a line of what it is, then a block for each currency."""
    console.print(Text(_heading(one, language), style="bold"))
    if one.message:
        console.print(Text(f"  {one.message}"))
    for currency in one.currencies:
        console.print(_block(one, currency, language))
    if not one.currencies:
        console.print(f"  {word('nothing', language)}")
    console.print()


def exports_table(rows: Sequence[ExportRow], language: str) -> Table:
    """Return exports as a table, one a row, with the reason in the reader's language."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("id", justify="right")
    for key in ("claim", "category", "state"):
        table.add_column(word(key, language))
    table.add_column(word("amount", language), justify="right")
    for key in ("voucher", "reference", "since"):
        table.add_column(word(key, language))
    table.add_column(word("why", language), overflow="fold", ratio=1)
    for row in rows:
        table.add_row(
            str(row.id),
            Text(row.source_id),
            word(row.category, language),
            Text(word(row.state, language), style=_STYLES.get(row.state, "")),
            f"{amount(row.amount, language)} {row.currency}",
            row.display_number,
            Text(row.external_reference or row.reference),
            f"{row.state_since.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}",
            Text("; ".join(_said(problem, language) for problem in problems_of(row.reason))),
        )
    return table


def _said(problem: Problem, language: str) -> str:
    return f"{problem.field}: {problem.text(language)}" if problem.field else problem.text(language)


def _heading(one: Standing, language: str) -> str:
    integration, runtime = one.integration, one.runtime
    synced = word("never", language)
    if runtime.last_sync_at is not None:
        at = f"{runtime.last_sync_at.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}"
        synced = f"{at} {runtime.last_sync_outcome or ''}".strip()
    return (
        f"{one.organization.name} ({one.organization.slug}): {integration.name}"
        f" ({integration.key}) - {word(one.condition, language)};"
        f" {word('last_sync', language)}: {synced}"
    )


def _block(one: Standing, currency: str, language: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 2))
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
