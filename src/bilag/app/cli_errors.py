"""What an error of the rooms below means for the person at the command line.

One line without a traceback, without a secret, and with what to do where we know it.
"""

import errno
import os
import re

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolTimeout

from bilag.app.cli_exit import Exit
from bilag.app.migrate import MigrationRefused
from bilag.app.postgres_places import PostgresError
from bilag.app.sign_in_settings import SignInRefused
from bilag.app.tracing import TracingUnavailable
from bilag.connectors.redact import Redactor
from bilag.core.problem import Problem, Refused
from bilag.exports.epoch import RestoreError
from bilag.integrations.keys import VaultError
from bilag.tenants.role import UnsafeRole

_CONFIGURATION = (
    MigrationRefused, PostgresError, RestoreError, SignInRefused, TracingUnavailable, UnsafeRole,
    VaultError,
)  # fmt: skip
_NOT_MIGRATED = (pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedFunction)
# what comes after it opens an account, once
_LINK = re.compile(r"(/account/(?:invitation|password/reset/key)/)[^/\s'\"]+")
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:@/\s]*):[^@/\s]*@")
_ADDRESS = re.compile(r"\('([^']+)', ([0-9]+)")
_SECRET_VARIABLES = (
    "BILAG_MASTER_KEY",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "VAULT_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)


def explain(error: BaseException) -> tuple[str, Exit]:
    """Return the line to show and the exit code; what is not known is a fault of ours."""
    message, code = _explained(error)
    return safe_text(" ".join(message.split())), code


def safe_text(text: str) -> str:
    """Return a text without the secrets of the environment and of database addresses in it."""
    redact = Redactor(os.environ.get(name, "").strip() for name in _SECRET_VARIABLES)
    return redact(_LINK.sub(r"\1[secret]", _PASSWORD_IN_URL.sub(r"\1:[secret]@", text)))


def problem_line(problem: Problem, language: str = "en") -> str:
    """Return a problem as one line: where it is, then what is wrong and what to do."""
    place = [problem.record, problem.field]
    if problem.line is not None:
        place.append(f"line {problem.line}")
    where = ", ".join(part for part in place if part)
    text = problem.text(language)
    return f"{where}: {text}" if where else text


def _explained(error: BaseException) -> tuple[str, Exit]:
    if isinstance(error, Refused):
        return "; ".join(problem_line(problem) for problem in error.problems), Exit.NOT_USABLE
    if isinstance(error, _CONFIGURATION):
        return str(error), Exit.NOT_USABLE
    if isinstance(error, _NOT_MIGRATED) or _lacks_a_grant(error):
        what = str(error).partition("\n")[0]
        return f"the database is not at this version: {what}; run `bilag migrate`", Exit.NOT_USABLE
    if isinstance(error, (psycopg.OperationalError, PoolTimeout)):
        return f"the database cannot be used: {error}", Exit.NOT_USABLE
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"{_address(error)} is in use; choose another with --port", Exit.NOT_USABLE
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}", Exit.NOT_USABLE
    return (
        f"unexpected {type(error).__name__}: {error} (BILAG_DEBUG=1 shows where)",
        Exit.FAULT,
    )


def _address(error: OSError) -> str:
    found = _ADDRESS.search(str(error))
    return f"port {found[2]} of {found[1]}" if found else "the port"


def _lacks_a_grant(error: BaseException) -> bool:
    # Our own triggers refuse with the same error code, which migrating does not cure.
    lacks = isinstance(error, pg.InsufficientPrivilege)
    return lacks and str(error).startswith("permission denied")
