"""Commands for people: `invite`, `reset-sign-in` and `global-admin`.

A link is printed once and kept nowhere; it is the operator's to hand over in a safe way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast, get_args

import click
from django.db import connections

from bilag.app.cli_errors import problem_line
from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_open import actor, connected, desk, installation, organization_argument
from bilag.app.serve import prepare
from bilag.app.wiring import Installation
from bilag.core.problem import Refused
from bilag.tenants.global_admins import add_global_admin, list_global_admins, remove_global_admin
from bilag.tenants.invitations import DAYS, email_subject
from bilag.tenants.members import Role, is_global_admin, memberships_of


@click.command("invite")
@organization_argument
@click.argument("email")
@click.option(
    "--role", type=click.Choice(get_args(Role)), required=True, help="What the person may do."
)
def invite_command(slug: str, email: str, role: str) -> int:
    """Invite EMAIL to ORG and print the link, which works once within seven days.

    This is how the first administrator comes in; after that, administrators invite in the portal.
    An earlier invitation of the same person is withdrawn.

    Example: `bilag invite hlf volunteer-017@example.org --role admin`
    """
    with desk(slug) as at:
        people = at.installation.members_of(at.organization.id, actor())
        with _told():
            made, token = people.invite(email, cast(Role, role))
        with _pages(at.installation) as pages:
            click.echo(pages.invitation_link(token))
    click.echo(f"hand this link over to {made.email}; it works once, for {DAYS} days", err=True)
    return Exit.OK


@click.command("reset-sign-in")
@click.argument("email")
def reset_sign_in_command(email: str) -> int:
    """Take EMAIL's password, second factors and sessions away, and print a link to set them anew.

    For who has lost their telephone and the recovery codes; make sure first that it is them. The
    link works once, for a day.
    """
    with installation() as opened:
        with _told():
            subject = email_subject(email)
        with opened.pool.connection() as connection:
            known = memberships_of(connection, subject) or is_global_admin(connection, subject)
        with _pages(opened) as pages:
            if not known and pages.find_person(subject) is None:
                raise CommandFailed(f"nobody is known here as {subject}", Exit.NOT_FOUND)
            click.echo(pages.link_to(pages.start_over(subject)))
    click.echo(f"{subject} is signed out everywhere; the link works once, for a day", err=True)
    return Exit.OK


@click.group("global-admin")
def global_admin_command() -> None:
    """Say who looks after the whole installation, and may act for every organization.

    Only the owner of the tables can (BILAG_DATABASE_OWNER_URL), so no page can make anybody one.
    """


@global_admin_command.command("list")
def _list() -> int:
    """List the global administrators."""
    with installation() as opened, opened.pool.connection() as connection:
        found = list_global_admins(connection)
    click.echo("\n".join(found) or "none", err=not found)
    return Exit.OK


@global_admin_command.command("add")
@click.argument("email")
def _add(email: str) -> int:
    """Make EMAIL a global administrator; prints a link for who has no account yet."""
    with installation() as opened:
        subject = _as_owner(opened, email, add_global_admin)
        with _pages(opened) as pages:
            if pages.find_person(subject) is None:
                click.echo(pages.link_to(pages.start_over(subject)))
                click.echo("hand this link over; it works once, for a day", err=True)
    return Exit.OK


@global_admin_command.command("remove")
@click.argument("email")
def _remove(email: str) -> int:
    """Make EMAIL a global administrator no more, from the next request on."""
    with installation() as opened:
        _as_owner(opened, email, remove_global_admin)
    return Exit.OK


def _as_owner(opened: Installation, email: str, change: Callable[[Any, str], bool]) -> str:
    with _told():
        subject = email_subject(email)
    with connected(opened.urls.owner, "BILAG_DATABASE_OWNER_URL") as owner:
        changed = change(owner, subject)
    click.echo(f"{subject}: {'done' if changed else 'nothing to change'}", err=True)
    return subject


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        said = "; ".join(problem_line(problem) for problem in error.problems)
        raise CommandFailed(said, Exit.NOT_USABLE) from error


@contextmanager
def _pages(opened: Installation) -> Iterator[Any]:
    """Load the portal's side of coming in, which needs Django, for the length of the block."""
    prepare(opened)
    try:
        yield import_module("bilag.portal.accounts.arrivals")
    finally:
        connections["default"].close()
