"""The commands `status` and `exports`: what came in, where it stands, and why.

`status` reads counters kept with each change, so it answers as fast with millions of rows.
"""

import json
from collections.abc import Sequence
from typing import Any

import click

from bilag.app.cli_exit import Exit
from bilag.app.cli_open import (
    Desk,
    desk,
    desk_of,
    installation,
    integration_option,
    language_option,
    organization_argument,
    output,
)
from bilag.app.cli_rows import workers_alive
from bilag.app.cli_standing import NEEDS_PERSON, Standing, standing_as_json, standings
from bilag.app.cli_tables import NO_WORKER, print_exports, print_standing
from bilag.app.cli_words import plain_amount
from bilag.app.wiring import Installation
from bilag.core.problem import problems_of
from bilag.exports.states import STATES
from bilag.exports.status import ExportRow, export_page
from bilag.tenants.organizations import list_organizations


@click.command("status")
@click.argument("slug", metavar="[ORG]", default="")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def status_command(slug: str, as_json: bool, language: str) -> int:
    """Show what came in and where it stands, for ORG or for every organization.

    The sum rule holds for each integration and currency, to the øre:

    \b
    approved = exported + accepted + pending + sending + failed + in doubt
             + needs review + held + excluded + cancelled + superseded

    The difference line shows what is left of it, which must be nothing. Forced generations and
    reversals stand apart. Exit code 1 when something is refused, held, in doubt or needs review,
    or when an integration is stopped by an error.
    """
    with installation() as opened:
        found = all_standings(opened, slug)
        with opened.pool.connection() as connection:
            workers = workers_alive(connection)
    if as_json:
        click.echo(json.dumps(_as_json(found, workers), ensure_ascii=False, indent=2))
    else:
        console = output()
        if not found:
            console.print("no organization has an integration yet; `bilag apply FILE` makes them")
        for standing in found:
            print_standing(console, standing, language)
        if found and not workers:
            output(stderr=True).print(NO_WORKER)
    return Exit.PERSON if any(one.needs_person for one in found) else Exit.OK


def all_standings(opened: Installation, slug: str = "") -> list[Standing]:
    """Return how each integration stands, of one organization or of all."""
    if slug:
        slugs = [slug]
    else:
        with opened.pool.connection() as connection:
            slugs = [one.slug for one in list_organizations(connection)]
    return [standing for one in slugs for standing in standings(desk_of(opened, one))]


@click.command("exports")
@organization_argument
@integration_option
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--source-id", help="Only of this claim.")
@click.option("--before", type=int, help="Only with an id below this one: the next page.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows."
)
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
@language_option
def exports_command(
    slug: str,
    target: str,
    state: str | None,
    source_id: str | None,
    before: int | None,
    limit: int,
    as_json: bool,
    language: str,
) -> int:
    """List the claims of ORG one by one, newest first, with the reason where one waits.

    Example: `bilag exports hlf --state failed`. Exit code 1 when one of those listed needs a
    person, 4 when --source-id names a claim that never came in.
    """
    with desk(slug) as at:
        rows = _rows(at, target, state, source_id, before, limit)
    if as_json:
        click.echo(json.dumps([export_as_json(r, language) for r in rows], ensure_ascii=False))
    elif rows:
        print_exports(output(), rows, language)
        if len(rows) == limit:
            click.echo(f"more: --before {rows[-1].id}", err=True)
    else:
        click.echo("none", err=True)
    if source_id and not rows:
        return Exit.NOT_FOUND
    return Exit.PERSON if any(row.state in NEEDS_PERSON for row in rows) else Exit.OK


def _rows(
    at: Desk,
    target: str,
    state: str | None,
    source_id: str | None,
    before: int | None,
    limit: int,
) -> list[ExportRow]:
    integration = at.integrations(target)[0].id if target else None
    with at.scope() as connection:
        return export_page(
            connection, before=before, limit=limit, state=state, integration_id=integration,
            source_id=source_id,
        )  # fmt: skip


def export_as_json(row: ExportRow, language: str) -> dict[str, Any]:
    """Return one export for programs; amounts are strings, times ISO 8601."""
    return {
        "id": row.id,
        "integration": row.integration_key,
        "sourceSystem": row.source_system,
        "sourceId": row.source_id,
        "revision": row.revision,
        "generation": row.generation,
        "part": row.part,
        "kind": row.kind,
        "category": row.category,
        "state": row.state,
        "since": row.state_since.isoformat(),
        "due": row.due_at.isoformat() if row.state in ("pending", "in_doubt", "accepted") else None,
        "currency": row.currency,
        "amount": plain_amount(row.amount),
        "reference": row.reference,
        "voucherNumber": row.display_number or None,
        "externalReference": row.external_reference,
        "externalVoucherNumber": row.external_voucher_number,
        "attempts": row.attempt,
        "exportedAt": row.exported_at.isoformat() if row.exported_at else None,
        "reasons": [problem.as_json(language) for problem in problems_of(row.reason)],
    }


def _as_json(found: Sequence[Standing], workers: int) -> dict[str, Any]:
    organizations: dict[str, dict[str, Any]] = {}
    for one in found:
        entry = organizations.setdefault(
            one.organization.slug,
            {
                "organization": one.organization.slug,
                "name": one.organization.name,
                "excludedFeatures": list(one.excluded_features),
                "integrations": [],
            },
        )
        entry["integrations"].append(standing_as_json(one))
    return {
        "organizations": list(organizations.values()),
        "workers": workers,
        "needsPerson": any(one.needs_person for one in found),
    }
