"""The command `verify totals`: are the counters behind `status` what the exports themselves say?

It reads every export once; `bilag status` never does.
"""

import json
from typing import Any

import click

from bilag.app.cli_exit import Exit
from bilag.app.cli_open import actor, desks, installation
from bilag.app.cli_words import plain_amount
from bilag.exports.audit import record_change
from bilag.exports.recount import Difference, differences, mend


@click.group("verify")
def verify_command() -> None:
    """Recount what is kept as a sum. (`bilag audit verify` is for the audit log.)"""


@verify_command.command("totals")
@click.argument("slug", metavar="[ORG]", default="")
@click.option("--mend", "mending", is_flag=True, help="Correct the counters that are not right.")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
def totals_command(slug: str, mending: bool, as_json: bool) -> int:
    """Recount the totals of ORG, or of every organization, from its exports.

    The numbers of `bilag status` are kept as counters, changed in the transaction that changes an
    export. They agree with the exports unless somebody changed the database by hand. With --mend
    they do again, and the audit log says so; deliveries may go on meanwhile.

    Exit code 0 when all agree, or were mended; 1 when some do not.
    """
    found: dict[str, list[Difference]] = {}
    with installation() as opened:
        for at in desks(opened, slug):
            with at.scope() as connection:
                wrong = mend(connection) if mending else differences(connection)
                found[at.organization.slug] = wrong
                if mending and wrong:
                    record_change(
                        connection, at.organization.id, actor(), "totals.mended",
                        f"{len(wrong)} counters", {"counters": [_as_json(one) for one in wrong]},
                    )  # fmt: skip
    if as_json:
        told = [{"organization": name, "differences": [_as_json(one) for one in wrong]}
                for name, wrong in found.items()]  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for name, wrong in found.items():
            click.echo(f"{name}: {_verdict(len(wrong), mending=mending)}")
            for one in wrong:
                click.echo(f"  {_said(one)}")
    return Exit.PERSON if any(found.values()) and not mending else Exit.OK


def _verdict(wrong: int, *, mending: bool) -> str:
    if not wrong:
        return "the totals are what the exports say"
    return f"{wrong} totals were mended" if mending else f"{wrong} totals ARE NOT RIGHT"


def _said(one: Difference) -> str:
    return (
        f"{one.integration_key} {one.currency} {one.listing} {one.state}: kept {one.kept},"
        f" {plain_amount(one.kept_amount)}; counted {one.counted},"
        f" {plain_amount(one.counted_amount)}"
    )


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "integration": one.integration_key,
        "currency": one.currency,
        "listing": one.listing,
        "state": one.state,
        "kept": {"count": one.kept, "amount": plain_amount(one.kept_amount)},
        "counted": {"count": one.counted, "amount": plain_amount(one.counted_amount)},
    }
