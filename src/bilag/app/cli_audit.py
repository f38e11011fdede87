"""The command `audit`: is the log as it was written, and anchors of it outside the database (O6).

`verify` names the first row that is not as it was written, whoever changed it and however.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.text import Text

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import Desk, desks, installation, language_option, output
from bilag.delivery.sync import engine_mark
from bilag.exports.anchors import (
    Anchor,
    AnchorFiles,
    AnchorsUnreadable,
    anchors_folder,
    head,
    read_anchors,
)
from bilag.exports.verify import Verified, one_view, verify
from bilag.integrations.vault import audit_key, load_data_key
from bilag.tenants.scope import organization_scope


@click.group("audit")
def audit_command() -> None:
    """Verify the audit log, and anchor it outside the database."""


@audit_command.command("verify")
@click.argument("slug", metavar="[ORG]", default="")
@click.option(
    "--anchors",
    "more",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Also the anchors in this file or folder, as kept elsewhere; may be given again.",
)
@click.option("--chain-only", is_flag=True, help="Without the keys: leave what was sent unread.")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def verify_command(
    slug: str, more: tuple[Path, ...], chain_only: bool, as_json: bool, language: str
) -> int:
    """Verify the audit log of ORG, or of every organization, row by row.

    It finds what anybody changed, deleted, inserted, moved or cut off, the owner of the database
    included, and names the first such row. Rows that retention took out leave their links, which
    are verified. What was removed at the end is found by the anchors: those in the home folder, and
    those given with --anchors.

    Exit code 0 when all is as it was written, 1 when it is not.
    """
    with installation() as opened:
        found = [
            (at.organization.slug, _verified(at, more, chain_only)) for at in desks(opened, slug)
        ]
    if as_json:
        click.echo(json.dumps([_as_json(*one, language) for one in found], ensure_ascii=False))
    else:
        console = output()
        for name, verified in found:
            for line in _lines(name, verified, language):
                console.print(Text(line), soft_wrap=True)
        if not found:
            console.print("there is no organization yet")
    return Exit.PERSON if any(verified.faults for _, verified in found) else Exit.OK


@audit_command.command("anchor")
@click.argument("slug", metavar="[ORG]", default="")
@click.option("--print", "only_print", is_flag=True, help="Print them, and write no file.")
def anchor_command(slug: str, only_print: bool) -> int:
    """Write down the newest link of ORG's audit log, or of every organization's, and print it.

    Workers do this every day. A line printed here can be kept anywhere and handed to
    `bilag audit verify --anchors FILE`.
    """
    with installation() as opened:
        files = AnchorFiles(anchors_folder(opened.home))
        for at in desks(opened, slug):
            with at.scope() as connection:
                newest = head(connection, at.organization.id)
            if newest is None:
                click.echo(f"{at.organization.slug}: nothing is logged yet", err=True)
                continue
            if not only_print:
                files.add(at.organization.slug, newest)
            click.echo(newest.line().decode(), nl=False)
    return Exit.OK


def _verified(at: Desk, more: Sequence[Path], chain_only: bool) -> Verified:
    # before the view is opened: what an anchor knows must be in it
    anchors = _anchors(at, more)
    with at.installation.pool.connection() as connection:
        key = None if chain_only else _audit_key(at, connection)
        restores = engine_mark(at.installation.home).restores()
        with one_view(connection, at.organization.id):
            return verify(connection, at.organization.id, anchors, restores, key)


def _anchors(at: Desk, more: Sequence[Path]) -> list[Anchor]:
    own = f"{at.organization.slug}.ndjson"
    places = [anchors_folder(at.installation.home) / own]
    places += [place / own if place.is_dir() else place for place in more]
    try:
        return list(read_anchors(places, at.organization.id))
    except AnchorsUnreadable as error:
        raise CommandFailed(str(error), Exit.PERSON) from error


def _audit_key(at: Desk, connection: psycopg.Connection[Any]) -> bytes:
    with organization_scope(connection, at.organization.id):
        return audit_key(load_data_key(connection, at.installation.vault, at.organization.id))


def _lines(slug: str, found: Verified, language: str) -> Iterator[str]:
    verdict = "ok" if not found.faults else "NOT AS IT WAS WRITTEN"
    yield (
        f"{slug}: {verdict}; {found.links} links, {found.attempts} attempts,"
        f" {found.changes} changes verified"
    )
    if found.first is not None:
        yield f"  first: {found.first.problem.text(language)}"
        if found.faults > 1:
            yield f"  {found.faults} faults in all; mend or explain the first one first"
    for note in found.notes:
        yield f"  {note.text(language)}"
    if not found.payloads_compared:
        yield "  what was sent and answered was not compared (--chain-only)"
    if found.anchored_at is None:
        yield "  no anchor: rows cut off at the end, or a log written anew, would not be found"
    else:
        newest = found.anchored_at.astimezone(UTC)
        yield f"  {found.anchors} anchors compared, the newest of {newest:%Y-%m-%d %H:%M} UTC"


def _as_json(slug: str, found: Verified, language: str) -> dict[str, Any]:
    return {
        "organization": slug,
        "ok": not found.faults,
        "links": found.links,
        "attempts": found.attempts,
        "changes": found.changes,
        "erasedThroughLink": found.erased or None,
        "payloadsCompared": found.payloads_compared,
        "anchors": found.anchors,
        "anchoredAt": found.anchored_at.isoformat() if found.anchored_at else None,
        "faults": found.faults,
        "first": found.first.problem.as_json(language) if found.first else None,
        "notes": [note.as_json(language) for note in found.notes],
    }
