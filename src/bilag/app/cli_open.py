"""What most commands start with: the installation, the organization, who acts, where to print.

A database that is not there, not reachable or not migrated is told at once, with what to do.
"""

import getpass
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import psycopg
from click.core import ParameterSource
from rich.console import Console

from bilag.app.cli_exit import CommandFailed, Exit
from bilag.app.cli_log import configure_logging
from bilag.app.postgres import DatabaseUrls, EmbeddedServer, database_urls, default_home
from bilag.app.wiring import Installation, open_installation
from bilag.core.problem import Refused
from bilag.core.texts import LANGUAGES
from bilag.delivery.accounting import AccountingExports
from bilag.delivery.configured import ConfiguredIntegrations
from bilag.integrations.model import Integration
from bilag.integrations.store import integration_by_target, list_integrations
from bilag.tenants.organizations import ListedOrganization, list_organizations
from bilag.tenants.scope import organization_scope

# Failure policy: a person waits at the terminal, so a database that does not answer is told after
# this; the pool behind it would try for half a minute.
CONNECT_SECONDS_MAX = 5
# Not a terminal: nothing wraps by itself, so a row stays on its line as far as this.
_PLAIN_WIDTH = 200

Command = TypeVar("Command", bound=Callable[..., Any])


class _Language(click.Choice[str]):
    """A language; one that BILAG_LANGUAGE names wrongly is told as that, not as an option."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        source = ctx and ctx.get_parameter_source("language")
        if source is ParameterSource.ENVIRONMENT and value not in self.choices:
            raise CommandFailed(
                f"BILAG_LANGUAGE is {value!r}; it must be one of: {', '.join(self.choices)}",
                Exit.USAGE,
            )
        return super().convert(value, param, ctx)


def program() -> str:
    """Return what to type for `bilag` in any terminal: its path where it is not on PATH."""
    own, found = Path(sys.executable).with_name("bilag"), shutil.which("bilag")
    if found and (not own.exists() or own.samefile(found)):
        return "bilag"
    if own.exists():
        return shlex.quote(str(own))
    return f"{shlex.quote(sys.executable)} -m bilag.app.cli"


def language_option(command: Command) -> Command:
    """Add `--language`, which BILAG_LANGUAGE sets for good."""
    return click.option(
        "--language",
        type=_Language(LANGUAGES),
        envvar="BILAG_LANGUAGE",
        default="en",
        show_default=True,
        help="Language of what is said about claims.",
    )(command)


def organization_argument(command: Command) -> Command:
    """Add the argument ORG: the short name (slug) of an organization."""
    return click.argument("slug", metavar="ORG")(command)


def integration_option(command: Command) -> Command:
    """Add `--integration`: its key, id, or type where the organization has one of it."""
    return click.option(
        "--integration", "target", default="", metavar="KEY", help="Only this one."
    )(command)


@contextmanager
def installation() -> Iterator[Installation]:
    """Open the installation for one command, with logging set up.

    Raises CommandFailed when there is no usable database, before anything else happens.
    """
    configure_logging()
    home = default_home()
    usable_database(home)
    with open_installation(home) as opened:
        yield opened


def usable_database(home: Path) -> DatabaseUrls:
    """Return the addresses of a database that answers and has our tables, else CommandFailed."""
    if not os.environ.get("BILAG_DATABASE_URL") and EmbeddedServer(home).status() is None:
        raise CommandFailed(
            f"there is no database in {home} yet: run `bilag migrate`, or `bilag demo` to try it;"
            " BILAG_HOME or BILAG_DATABASE_URL names another place",
            Exit.NOT_USABLE,
        )
    urls = database_urls(home)
    with connected(urls.application, "BILAG_DATABASE_URL") as connection:
        found = connection.execute("SELECT to_regclass('public.exports')").fetchone()
    if found is None or found[0] is None:
        raise CommandFailed("the database has no tables yet: run `bilag migrate`", Exit.NOT_USABLE)
    return urls


@contextmanager
def connected(url: str, variable: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to an address that `variable` gave; an unreadable address is not shown."""
    try:
        connection = psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX, autocommit=True)
    except psycopg.ProgrammingError:
        # without the cause: its text shows the address, and the password in it
        raise CommandFailed(
            f"{variable} is not the address of a PostgreSQL database; it looks like"
            " postgresql://user:password@host:5432/name",
            Exit.NOT_USABLE,
        ) from None
    with connection:
        yield connection


def actor() -> str:
    """Return who acts, as the audit log shows it: the account that runs the command."""
    try:
        return f"command line: {getpass.getuser()}"
    except (KeyError, OSError):
        return f"command line: user id {os.geteuid()}"


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which ends quietly; rich would end the process."""
        raise BrokenPipeError


def output(*, stderr: bool = False) -> Console:
    """Return where to print: coloured and as wide as a terminal, plain and wide elsewhere."""
    # Texts come from other systems too: nothing in them is taken for a style or a picture.
    console = _Output(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
        console.no_color = True
    return console


@dataclass(frozen=True, slots=True)
class Desk:
    """One organization at the command line: its rows, its verbs, its integrations."""

    installation: Installation
    organization: ListedOrganization
    exports: AccountingExports

    @property
    def configured(self) -> ConfiguredIntegrations:
        """Return the organization's integrations, to be changed in the name of who runs this."""
        return self.installation.integrations_of(self.organization.id, actor())

    @contextmanager
    def scope(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a transaction in which only this organization's rows exist."""
        with (
            self.installation.pool.connection() as connection,
            organization_scope(connection, self.organization.id),
        ):
            yield connection

    def integrations(self, target: str = "") -> Sequence[Integration]:
        """Return the integration that `target` names, or all; raises CommandFailed for none."""
        with self.scope() as connection:
            if not target:
                return list_integrations(connection, self.organization.id)
            try:
                return [integration_by_target(connection, self.organization.id, target)]
            except Refused as error:
                raise CommandFailed(error.problems[0].text(), Exit.NOT_FOUND) from error


@contextmanager
def desk(slug: str) -> Iterator[Desk]:
    """Open the installation at one organization; raises CommandFailed when there is no such."""
    with installation() as opened:
        yield desk_of(opened, slug)


def desks(opened: Installation, slug: str) -> Iterator[Desk]:
    """Yield the desk of one organization, or without a slug those of all of them, by slug."""
    if slug:
        yield desk_of(opened, slug)
        return
    with opened.pool.connection() as connection:
        every = list_organizations(connection)
    for one in every:
        yield Desk(opened, one, opened.exports_of(one.id, actor()))


def desk_of(opened: Installation, slug: str) -> Desk:
    """Return the desk of an organization by its slug or id; CommandFailed lists those there are."""
    with opened.pool.connection() as connection:
        every = list_organizations(connection)
    found = next((one for one in every if slug in (one.slug, str(one.id))), None)
    if found is None:
        known = ", ".join(one.slug for one in every)
        there = f"there are: {known}" if known else "there are none; `bilag apply FILE` makes them"
        raise CommandFailed(f"there is no organization {slug!r}; {there}", Exit.NOT_FOUND)
    return Desk(opened, found, opened.exports_of(found.id, actor()))
