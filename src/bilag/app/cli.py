"""The command line: `bilag COMMAND`, its help page, and what each exit code says.

A command is loaded when it is called, so that the help page appears at once.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import click

from bilag.app.cli_exit import CommandFailed, Exit

__all__ = ["main", "run"]

_INTRO = """
bilag delivers approved expense claims, mileage claims, driver honorariums and activity records
from an organization's app into its accounting system: once, provably, with nobody re-typing.

New here? Run `bilag demo`: it needs no set-up and shows the whole way of 400 sample claims.
"""


class _Entry(NamedTuple):
    section: str
    module: str
    summary: str


_TRY, _RUN, _IN, _WATCH = "Try it", "Run it", "Put records in", "Watch and repair"

# The attribute in the module is the command's name; `bilag --help` shows them in this order.
_COMMANDS = {
    "demo": _Entry(_TRY, "cli_demo", "a whole running system with sample claims, from nothing"),
    "sandbox": _Entry(_TRY, "cli_run", "an accounting system to try against"),
    "migrate": _Entry(_RUN, "cli_run", "make the tables, or bring them to this version"),
    "apply": _Entry(_RUN, "cli_configure", "make organizations match a YAML file"),
    "export-configuration": _Entry(_RUN, "cli_configure", "write an organization as such a file"),
    "copy-configuration": _Entry(_RUN, "cli_copy", "copy integrations to another organization"),
    "enable": _Entry(_RUN, "cli_schedule", "switch an integration on"),
    "disable": _Entry(_RUN, "cli_schedule", "switch it off; approved records wait"),
    "close-period": _Entry(_RUN, "cli_periods", "close the days of a book, or open them again"),
    "credentials": _Entry(_RUN, "cli_credentials", "list credentials, never the secrets"),
    "set-credential": _Entry(_RUN, "cli_credentials", "try a new secret and put it in use"),
    "keys": _Entry(_RUN, "cli_keys", "check or rotate the keys that seal the credentials"),
    "worker": _Entry(_RUN, "cli_run", "deliver; as many workers as you like"),
    "serve": _Entry(_RUN, "cli_serve", "answer the portal and the API"),
    "invite": _Entry(_RUN, "cli_people", "invite a person; prints the link"),
    "reset-sign-in": _Entry(_RUN, "cli_people", "a link to set password and second factor anew"),
    "global-admin": _Entry(_RUN, "cli_people", "who looks after the whole installation"),
    "token": _Entry(_RUN, "cli_configure", "make, list and revoke API tokens"),
    "import": _Entry(_IN, "cli_import", "take in a file of records (NDJSON, CSV, XLSX)"),
    "sync": _Entry(_IN, "cli_sync", "deliver what waits now, and watch it with --wait"),
    "status": _Entry(_WATCH, "cli_status", "what came in and where it stands, to the øre"),
    "schedule": _Entry(_WATCH, "cli_schedule", "when it sends: words, the next five runs"),
    "exports": _Entry(_WATCH, "cli_status", "the claims one by one, with the reason"),
    "dry-run": _Entry(_WATCH, "cli_dry_run", "what would be posted now, without sending"),
    "check-connection": _Entry(_WATCH, "cli_check", "test the way to the accounting system"),
    "retry": _Entry(_WATCH, "cli_repair", "send again what was refused or held"),
    "resolve": _Entry(_WATCH, "cli_repair", "settle what is in doubt"),
    "audit": _Entry(_WATCH, "cli_audit", "verify the audit log, row by row; anchor it"),
    "verify": _Entry(_WATCH, "cli_verify", "recount the totals that status shows"),
    "control-report": _Entry(_WATCH, "cli_control", "what was approved in a period, to the øre"),
    "reconcile": _Entry(_WATCH, "cli_reconcile", "compare with what the ledger really holds"),
    "force-export": _Entry(_WATCH, "cli_force", "send a posted claim again, on purpose"),
    "force-approve": _Entry(_WATCH, "cli_force", "approve that somebody else wants to do so"),
    "decide-period": _Entry(_WATCH, "cli_periods", "decide about claims in a closed period"),
    "retention": _Entry(_RUN, "cli_retention", "erase what was kept long enough"),
    "retention-rules": _Entry(_RUN, "cli_retention", "how long an organization's evidence is kept"),
    "restored": _Entry(_WATCH, "cli_repair", "say that the database came from a backup"),
}

_VARIABLES = (
    ("BILAG_HOME", "folder for keys and the embedded database (~/.local/share/bilag)"),
    ("BILAG_DATABASE_URL", "PostgreSQL as the application's role; without it, an embedded one"),
    ("BILAG_DATABASE_OWNER_URL", "the same as the owner of the tables: `migrate`, `retention`"),
    ("BILAG_POSTGRES_BIN", "bin folder of the PostgreSQL to embed instead of our own"),
    ("BILAG_MASTER_KEY", "the key that seals the credentials, or ..."),
    ("BILAG_MASTER_KEY_FILE", "... a file with it (default: master.key in the home folder)"),
    ("BILAG_KEY_SOURCE", "local, vault:MOUNT/KEY or kms:ARN: where the master key is (local)"),
    ("BILAG_EPOCH_FILE", "file of the mark that shows a restore (epoch.json in the home folder)"),
    ("BILAG_ANCHORS", "folder of the audit log's anchors (anchors in the home folder)"),
    ("BILAG_ANCHOR_COMMAND", "a command that gets new anchors on stdin, once a day"),
    ("BILAG_URL", "address of the pages, for links and cookies (https://bilag.example.org)"),
    ("BILAG_ALLOWED_HOSTS", "other names under which the pages are reached"),
    ("BILAG_SMTP_URL", "mail server (smtps://user:password@host:465); without it, no e-mail"),
    ("BILAG_MAIL_FROM", "the address that e-mails come from"),
    ("BILAG_OIDC_FILE", "YAML file of other providers to sign in with"),
    ("BILAG_SESSION_IDLE_MINUTES", "minutes without a request after which a session ends (120)"),
    ("BILAG_SESSION_HOURS", "hours after which it ends whatever happens (12)"),
    ("BILAG_JWT_FILE", "whose signed tokens (JWT) the API takes besides our own (none)"),
    ("BILAG_TRUSTED_PROXIES", "how many web servers stand before `serve` (0)"),
    ("BILAG_METRICS_TOKEN", "who sends it may read /metrics; without it, nobody"),
    ("BILAG_METRICS_NETWORKS", "who asks from there may, too: 127.0.0.0/8 10.1.0.0/16"),
    ("BILAG_LANGUAGE", "nb, nn or en, for what commands say about claims (en)"),
    ("BILAG_LOG_LEVEL", "debug, info, warning or error (info for worker and serve)"),
    ("BILAG_DEBUG", "1 shows the traceback of an error"),
)


class _Bilag(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"bilag.app.{entry.module}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], _COMMANDS, n=3)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise CommandFailed(
                f"there is no command {args[0]!r}{meant or '; `bilag --help` lists them'}",
                Exit.USAGE,
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read our output has seen enough. The interpreter must not find the pipe later.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OK
        return code

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in (_TRY, _RUN, _IN, _WATCH):
            rows = [(n, e.summary) for n, e in _COMMANDS.items() if e.section == section]
            with formatter.section(section):
                formatter.write_dl(rows, col_max=26)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Environment"):
            formatter.write_dl(_VARIABLES, col_max=26)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), code.meaning) for code in Exit], col_max=26)
        formatter.write_paragraph()
        formatter.write_text("`bilag COMMAND --help` tells more, with examples.")


@click.group(
    cls=_Bilag,
    help=_INTRO,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="bilag", message="%(prog)s %(version)s")
def bilag() -> None:
    """Hold the commands."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error becomes one line on stderr."""
    try:
        return int(bilag.main(list(arguments), prog_name="bilag", standalone_mode=False) or 0)
    except click.exceptions.Abort:
        return _failed("stopped", Exit.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except CommandFailed as error:
        return _failed(str(error), error.code)
    except Exception as error:  # noqa: BLE001 - the last place: nothing may end in a traceback
        return _unexpected(error)


def main() -> None:
    """Run the command of this process's arguments and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def _unexpected(error: Exception) -> int:
    # Loaded here because it knows all the errors of the database, which a help page has no use for.
    explain: Any = importlib.import_module("bilag.app.cli_errors").explain
    if os.environ.get("BILAG_DEBUG") == "1":
        traceback.print_exception(error)
    message, code = explain(error)
    return _failed(message, code)


def _failed(message: str, code: Exit) -> int:
    click.echo(f"bilag: {message}", err=True)
    return code


if __name__ == "__main__":
    main()
