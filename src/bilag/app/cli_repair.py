"""Commands for what a person has to do: `retry`, `resolve`, `restored`.

Each decision is written to the audit log; repeating one is harmless.
"""

import asyncio
import sys

import click
import psycopg

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    Desk,
    actor,
    desk,
    installation,
    integration_option,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_tables import print_exports
from bilag.core.problem import Refused
from bilag.delivery.anchoring import anchor_all
from bilag.delivery.sync import engine_mark, prepare_connection
from bilag.exports.anchors import AnchorFiles, anchors_folder
from bilag.exports.audit import record_change
from bilag.exports.decide import DECISIONS, DecisionRefused
from bilag.exports.epoch import EpochCheck, EpochMark, declare_restored
from bilag.exports.hurry import look_up_sooner
from bilag.exports.status import ExportRow, export_page

_LISTED_MAX = 200


@click.command("retry")
@organization_argument
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@integration_option
@click.option("--held", is_flag=True, help="Held claims instead: try them with the mapping of now.")
def retry_command(slug: str, ids: tuple[int, ...], target: str, held: bool) -> int:
    """Send again what the accounting system refused: all of ORG, of one integration, or some IDs.

    Correct the cause first (a mapping, a cost centre in the accounting system). With --held, claims
    that wait for a mapping are tried again after `bilag apply`. What may have been posted is never
    sent again by this: see `bilag resolve`.
    """
    if held and ids:
        raise click.UsageError("--held takes all held claims; leave the IDs out")
    with desk(slug) as at:
        if held:
            queued = [
                export_id
                for one in at.integrations(target)
                for export_id in at.exports.release_held_exports(one.key)
            ]
        else:
            queued = _retry(at, target, ids)
        missing = sorted(set(ids) - set(queued))
        refusals = [_why_not(at, export_id) for export_id in missing]
    click.echo(f"{slug}: {len(queued)} queued again")
    for text, _ in refusals:
        click.echo(text, err=True)
    return max((code for _, code in refusals), default=Exit.OK)


def _retry(at: Desk, target: str, ids: tuple[int, ...]) -> list[int]:
    try:
        return at.exports.retry_failed_exports(target, list(ids) or None)
    except Refused as error:
        raise CommandFailed(error.problems[0].text(), Exit.NOT_FOUND) from error


def _why_not(at: Desk, export_id: int) -> tuple[str, Exit]:
    row = at.exports.get_export(export_id)
    if row is None:
        return f"export {export_id} does not exist", Exit.NOT_FOUND
    return f"export {export_id} stands in {row.state}; only failed ones are retried", Exit.PERSON


@click.command("resolve")
@organization_argument
@integration_option
@click.option("--export", "export_id", type=int, metavar="ID", help="Decide this export.")
@click.option("--as", "to_state", type=click.Choice(DECISIONS), help="What it is from now on.")
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.option("--external-reference", default="", help="What the accounting system calls it.")
@click.option("--voucher-number", default="", help="The accounting system's own number.")
@language_option
def resolve_command(
    slug: str,
    target: str,
    export_id: int | None,
    to_state: str | None,
    reason: str,
    external_reference: str,
    voucher_number: str,
    language: str,
) -> int:
    """Settle what is in doubt: look it up in the accounting system, or decide.

    Without --export: what is in doubt is looked up as soon as its waiting time is over, and what
    only a person can decide is listed. With it: search the accounting system for the reference,
    then say how the export stands.

    \b
    bilag resolve hlf --export 17 --as exported --reason "voucher 4711 found" --voucher-number 4711
    bilag resolve hlf --export 18 --as pending --reason "searched by reference, not there"
    """
    if export_id is None and (to_state or reason or external_reference or voucher_number):
        raise click.UsageError("name the export with --export ID")
    if export_id is not None and not (to_state and reason.strip()):
        raise click.UsageError("a decision needs --as and --reason")
    with desk(slug) as at:
        if export_id is not None and to_state:
            _decide(at, export_id, to_state, reason, external_reference, voucher_number)
            click.echo(f"export {export_id} is {to_state}")
            return Exit.OK
        return _look_up_and_list(at, target, language)


def _decide(
    at: Desk, export_id: int, to_state: str, reason: str, reference: str, number: str
) -> None:
    try:
        at.exports.decide_export(
            export_id, to_state=to_state, reason=reason, external_reference=reference,
            voucher_number=number,
        )  # fmt: skip
    except DecisionRefused as error:
        raise CommandFailed(f"export {export_id}: {error}", Exit.PERSON) from error
    except LookupError as error:
        raise CommandFailed(f"export {export_id} does not exist", Exit.NOT_FOUND) from error


def _look_up_and_list(at: Desk, target: str, language: str) -> int:
    rows: list[ExportRow] = []
    for integration in at.integrations(target):
        with at.scope() as connection:
            sooner = look_up_sooner(connection, integration_id=integration.id)
            if sooner:
                record_change(
                    connection, at.organization.id, actor(), "export.look_up_asked",
                    f"integration {integration.key}", {"exports": sooner},
                )  # fmt: skip
            doubtful = export_page(
                connection, state="in_doubt", integration_id=integration.id, limit=_LISTED_MAX
            )
            rows += doubtful + export_page(
                connection, state="needs_review", integration_id=integration.id, limit=_LISTED_MAX
            )
        if doubtful:
            at.exports.sync(str(integration.id))
            click.echo(
                f"{integration.key}: {len(doubtful)} in doubt; asked for a look-up, the last at"
                f" {max(row.due_at for row in doubtful):%H:%M:%S} UTC",
                err=True,
            )
    if not rows:
        click.echo("nothing is in doubt, nothing needs a decision")
        return Exit.OK
    print_exports(output(), rows, language)
    if any(row.state == "needs_review" for row in rows):
        click.echo("decide: bilag resolve ORG --export ID --as STATE --reason TEXT", err=True)
    return Exit.PERSON


@click.command("restored")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restored_command(yes: bool) -> int:
    """Say that the database was restored from a backup, before any worker sends again.

    Everything that is not finished, and every record that comes in again, is then looked up in the
    accounting system before it may be sent; number series jump ahead. Workers find a restore by
    themselves when the mark in the home folder is newer than the database; run this when the home
    folder was restored too, or is gone. The audit logs are anchored in the new epoch at once.
    """
    with installation() as opened:
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("not a terminal: confirm with --yes")
            click.confirm("Was the database restored from a backup?", abort=True)
        begun = asyncio.run(_declare(opened.urls.application, engine_mark(opened.home)))
        click.echo(f"epoch {begun.epoch} has begun; {begun.in_doubt} exports are looked up first")
        return _anchor(opened.urls.application, AnchorFiles(anchors_folder(opened.home)))


async def _declare(url: str, mark: EpochMark) -> EpochCheck:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await prepare_connection(connection)
        return await declare_restored(connection, mark)


def _anchor(url: str, files: AnchorFiles) -> Exit:
    """Anchor the new epoch at once: until then nothing outside proves what the backup held."""

    async def write() -> int:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await prepare_connection(connection)
            return await anchor_all(connection, files)

    try:
        click.echo(f"{asyncio.run(write())} audit logs are anchored in the new epoch")
    except OSError as error:
        raise CommandFailed(
            f"the epoch has begun, but its anchors cannot be written ({error}); mend that and run"
            " `bilag audit anchor`",
            Exit.PERSON,
        ) from error
    return Exit.OK
