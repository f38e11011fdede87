"""The commands `force-export` and `force-approve`: a posted claim is sent again on purpose (E12).

What stands in the accounting system is looked up and shown before anything is opened.
"""

import sys

import click

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import (
    Desk,
    actor,
    desk,
    integration_option,
    language_option,
    organization_argument,
)
from bilag.app.cli_words import amount, word
from bilag.core.problem import Problem
from bilag.delivery.force import Evidence, ForcedExports
from bilag.exports.decide import DecisionRefused
from bilag.exports.force import POSTED
from bilag.exports.status import ExportRow, exports_of_claims


@click.command("force-export")
@organization_argument
@click.argument("claim", metavar="CLAIM")
@integration_option
@click.option("--export", "export_id", type=int, metavar="ID", help="This export of the claim.")
@click.option("--reason", required=True, help="Why; kept in the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask, where it certainly stands there no more.")
@click.option("--although-posted", is_flag=True, help="With --yes: do not ask in any case.")
@language_option
def force_export_command(
    slug: str,
    claim: str,
    target: str,
    export_id: int | None,
    reason: str,
    yes: bool,
    although_posted: bool,
    language: str,
) -> int:
    """Send a claim again that is posted already, as a new generation with a reference of its own.

    First it is looked up what stands in the accounting system now, and shown; then you are asked.
    Nothing there is changed: a voucher that shall not stand beside the new one has to be reversed
    there. Above the amount that the organization has set another person must approve (exit code 1):
    see `bilag force-approve`.

    \b
    bilag force-export hlf C000017 --integration ledger --reason "deleted in the ledger by mistake"
    """
    if not reason.strip():
        raise click.UsageError("--reason may not be empty")
    with desk(slug) as at:
        chosen = export_id or _posted(at, claim, target).id
        verbs = _verbs(at)
        try:
            evidence = verbs.evidence(chosen)
            if evidence.source_id != claim:
                raise CommandFailed(f"export {chosen} is not one of {claim}", Exit.NOT_FOUND)
            _show(evidence, language)
            if yes and not although_posted and not _gone(evidence):
                raise CommandFailed(
                    "it may stand there, so nothing was sent: leave out --yes to decide by what is"
                    " shown above, or add --although-posted",
                    Exit.PERSON,
                )
            _confirm(yes, "Send it again?")
            forced = verbs.force(chosen, reason=reason, confirmation=evidence.confirmation)
        except DecisionRefused as error:
            raise CommandFailed(
                f"export {chosen}: {error.problem.text(language)}", Exit.PERSON
            ) from error
        except LookupError as error:
            raise CommandFailed(f"export {chosen} does not exist", Exit.NOT_FOUND) from error
    if forced.waits_for_approval:
        said = Problem("waits_for_approval", params={"actor": actor(), "reason": reason})
        click.echo(f"export {forced.export_id}: {said.text(language)}")
        click.echo(f"another person: bilag force-approve {slug} {forced.export_id}", err=True)
        return Exit.PERSON
    click.echo(f"export {forced.export_id} is pending")
    return Exit.OK


@click.command("force-approve")
@organization_argument
@click.argument("export_id", type=int, metavar="ID")
@click.option("--refuse", is_flag=True, help="Cancel it instead; needs --reason.")
@click.option("--reason", default="", help="Why it is refused; kept in the audit log.")
@language_option
def force_approve_command(
    slug: str, export_id: int, refuse: bool, reason: str, language: str
) -> int:
    """Approve a forced export that waits for a second person, or refuse it.

    Whoever asked for it cannot approve it, only refuse it. What the asker saw in the accounting
    system must still be so; otherwise it has to be asked for anew. `bilag exports ORG --state held`
    lists what waits, with who asked and why.
    """
    if refuse != bool(reason.strip()):
        raise click.UsageError("--refuse and --reason go together")
    with desk(slug) as at:
        verbs = _verbs(at)
        try:
            if refuse:
                verbs.refuse(export_id, reason=reason)
            else:
                verbs.approve(export_id)
        except DecisionRefused as error:
            raise CommandFailed(
                f"export {export_id}: {error.problem.text(language)}", Exit.PERSON
            ) from error
        except LookupError as error:
            raise CommandFailed(f"export {export_id} does not exist", Exit.NOT_FOUND) from error
    click.echo(f"export {export_id} is {'cancelled' if refuse else 'pending'}")
    return Exit.OK


def _verbs(at: Desk) -> ForcedExports:
    return at.installation.forced_exports_of(at.organization.id, actor())


def _posted(at: Desk, claim: str, target: str) -> ExportRow:
    """Return the posted export of a claim that counts; CommandFailed says why there is not one."""
    books = {one.book.id for one in at.integrations(target)}
    with at.scope() as connection:
        rows = [row for book in books for row in exports_of_claims(connection, [claim], book)]
    if not rows:
        raise CommandFailed(f"there is no export of {claim!r}", Exit.NOT_FOUND)
    current = [row for row in rows if row.live] or rows[-1:]
    posted = [row for row in current if row.state in POSTED]
    if len(posted) == 1:
        return posted[0]
    listed = ", ".join(f"{r.id} ({r.integration_key}, {r.part or 'whole'})" for r in posted)
    if listed:
        raise CommandFailed(f"{claim} has several: choose with --export {listed}", Exit.USAGE)
    states = ", ".join(f"export {row.id} is {row.state}" for row in current)
    raise CommandFailed(f"{claim} is not posted: {states}", Exit.PERSON)


def _show(evidence: Evidence, language: str) -> None:
    total = f"{amount(evidence.amount, language)} {evidence.currency}"
    click.echo(f"{evidence.source_id}: {word('amount', language)} {total}")
    for seen in evidence.seen:
        click.echo(f"  {seen.problem().text(language)}")
    if evidence.needs_approval:
        click.echo(f"  {Problem('force_needs_approval').text(language)}")


def _gone(evidence: Evidence) -> bool:
    """Return whether nothing of the claim stands there: never posted, deleted, or reversed."""
    return all(
        seen.result == "absent" or (seen.result == "posted" and seen.reversed_by)
        for seen in evidence.seen
    )


def _confirm(yes: bool, question: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("not a terminal: confirm with --yes")
    click.confirm(question, abort=True)
