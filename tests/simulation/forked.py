"""`bilag` commands in processes that have it loaded already: a tenth of the time of a fresh one.

Each command has a process of its own, so that it can be killed like one of an installation.
"""

import io
import multiprocessing
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bilag.app.cli import run
from bilag.delivery import crash_points

# Failure policy: a command that has not ended after so long fails the test.
PATIENCE_SECONDS = 120.0
# One list for all who use the server of a test process: only who starts it is asked what to load.
PRELOAD = [
    "bilag.app.cli_check",
    "bilag.app.cli_configure",
    "bilag.app.cli_import",
    "bilag.app.cli_reconcile",
    "bilag.app.cli_run",
    "tests.simulation.forked",
]


@dataclass(frozen=True)
class Ended:
    """What one command left: exit code (negative: the signal that killed it) and what it said."""

    code: int
    out: str = ""


def bilag(*arguments: str, environment: Mapping[str, str]) -> Ended:
    """Run a command to its end, or until BILAG_CRASH_AT kills it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(arguments, dict(environment), theirs))
    process.start()
    theirs.close()
    try:
        out = ours.recv() if ours.poll(PATIENCE_SECONDS) else ""
    except EOFError:
        out = ""  # killed
    process.join(PATIENCE_SECONDS)
    code = process.exitcode
    assert code is not None, f"{arguments} did not end"
    process.close()
    ours.close()
    return Ended(code, out)


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], pipe: Connection) -> None:
    os.environ.update(environment)
    # read when it was loaded, before this process had its environment
    crash_points._plan = crash_points._Plan(os.environ.get("BILAG_CRASH_AT", ""))
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = run(arguments)
    pipe.send(said.getvalue())
    raise SystemExit(code)
