"""The command `keys`: can everything be opened, and new keys for old while deliveries go on.

No key and no secret is shown; ids of keys are.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import click
import psycopg
from rich.table import Table

from bilag.app.cli_exit import Exit
from bilag.app.cli_open import actor, desk_of, installation, output
from bilag.app.cli_tables import print_table
from bilag.app.wiring import Installation
from bilag.core.clock import utc_now
from bilag.exports.audit import record_change
from bilag.integrations.instance_key import check_instance_key, rewrap_instance_key
from bilag.integrations.rotation import StoredKey, check_keys, rewrap, rotate_data_key
from bilag.integrations.vault import VaultError
from bilag.tenants.organizations import ListedOrganization, list_organizations
from bilag.tenants.scope import organization_scope

_INSTALLATION = "(installation)"


@click.group("keys")
def keys_command() -> None:
    """Check and rotate the keys that seal the credentials."""


@keys_command.command("check")
@click.argument("slug", metavar="[ORG]", default="")
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys stay the same.")
def check_command(slug: str, as_json: bool) -> int:
    """Open every data key and every credential, of ORG or of all, and say which master key wraps.

    Exit code 1 when one cannot be opened; what to do is said.
    """
    with installation() as opened:
        found: list[tuple[str, StoredKey]] = []
        with opened.pool.connection() as connection:
            if not slug and (own := check_instance_key(connection, opened.vault)):
                found.append((_INSTALLATION, own))
            for organization in _organizations(opened, slug):
                with organization_scope(connection, organization.id):
                    keys = check_keys(connection, opened.vault, organization.id)
                found += [(organization.slug, key) for key in keys]
        current = opened.vault.current.id
    if as_json:
        click.echo(json.dumps([_as_json(*row) for row in found], ensure_ascii=False, indent=2))
    else:
        click.echo(f"current master key: {current}")
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for heading in ("of", "data key", "since", "wrapped by", "credentials", ""):
            table.add_column(heading, overflow="fold")
        for whose, key in found:
            table.add_row(
                whose, str(key.id), f"{key.created_at:%Y-%m-%d}", key.master_key_id,
                str(key.credentials), _said(key),
            )  # fmt: skip
        if found:
            print_table(output(), table)
    for whose, key in found:
        for fault in key.faults:
            click.echo(f"{whose}: {fault}", err=True)
    return Exit.PERSON if any(key.faults for _, key in found) else Exit.OK


def _said(key: StoredKey) -> str:
    if key.faults:
        return "CANNOT BE OPENED"
    return "ok" if key.is_current else "ok, retired: `bilag keys rotate` finishes it"


def _as_json(whose: str, key: StoredKey) -> dict[str, object]:
    return {
        "organization": None if whose == _INSTALLATION else whose,
        "dataKey": str(key.id),
        "createdAt": key.created_at.isoformat(),
        "masterKey": key.master_key_id,
        "current": key.is_current,
        "credentials": key.credentials,
        "faults": list(key.faults),
    }


@keys_command.command("rotate")
@click.argument("slug", metavar="[ORG]", default="")
@click.option("--master-only", is_flag=True, help="Wrap with the current master key; no new keys.")
@click.option(
    "--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Leave newer data keys alone."
)
def rotate_command(slug: str, master_only: bool, older_than: int | None) -> int:
    """Give ORG, or every organization, a new data key, wrapped by the current master key.

    All its credentials are sealed anew while deliveries go on. Run it again after an interruption:
    it finishes what was begun. Afterwards no former master key is needed any more. With
    --master-only data keys stay and are only wrapped anew. Exit code 1 when something could not be
    opened; it is as it was.
    """
    faults = False
    with installation() as opened, opened.pool.connection() as connection:
        for organization in _organizations(opened, slug):
            with _told(organization.slug) as told:
                with organization_scope(connection, organization.id):
                    count = rewrap(connection, opened.vault, organization.id)
                    if count:
                        _note(organization.id, "key.rewrapped", connection,
                              {"masterKey": opened.vault.current.id})  # fmt: skip
                        click.echo(f"{organization.slug}: {count} data keys wrapped anew")
                if not master_only:
                    due = utc_now() - timedelta(days=older_than) if older_than is not None else None
                    note = partial(_note, organization.id, "key.rotated")
                    for step in rotate_data_key(
                        connection, opened.vault, organization.id, note, due
                    ):
                        click.echo(f"{organization.slug}: {step}")
            faults |= bool(told)
        if not slug:
            with _told(_INSTALLATION) as told:
                if rewrap_instance_key(connection, opened.vault):
                    click.echo(f"{_INSTALLATION}: its key wrapped anew")
            faults |= bool(told)
    click.echo("not finished" if faults else "finished")
    return Exit.PERSON if faults else Exit.OK


@contextmanager
def _told(whose: str) -> Iterator[list[str]]:
    """Say what could not be opened, so that the other organizations get their turn."""
    told: list[str] = []
    try:
        yield told
    except VaultError as error:
        told.append(str(error))
        click.echo(f"{whose}: {error}", err=True)


def _note(
    organization_id: UUID, event: str, connection: psycopg.Connection[Any], detail: dict[str, str]
) -> None:
    record_change(connection, organization_id, actor(), event, "data key", detail)


def _organizations(opened: Installation, slug: str) -> list[ListedOrganization]:
    if slug:
        return [desk_of(opened, slug).organization]
    with opened.pool.connection() as connection:
        return list_organizations(connection)
