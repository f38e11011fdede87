"""Serves API and portal: Django as WSGI on granian, one worker process with several threads.

granian runs WSGI in worker processes only, and a connection pool must not cross a fork, so the
worker opens the installation for itself; this process watches it and passes SIGTERM on.
"""

import logging
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import Any

import structlog
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from granian.constants import HTTPModes, Interfaces
from granian.server import MPServer

from bilag.app.jwt_issuers import open_signed_tokens
from bilag.app.migrate import setup_django
from bilag.app.tracing import tracing
from bilag.app.wiring import Installation, open_installation
from bilag.delivery import installation as context
from bilag.integrations.instance_key import instance_key

log = structlog.get_logger(__name__)

THREADS = 8
BACKLOG = 1024
_SIGNING = "bilag web signing"
# Failure policy: requests under way get so long to end after SIGTERM; what is cut off then is safe
# to send again. Requests beyond threads and backpressure wait in the backlog of the socket.
STOP_SECONDS_MAX = 30


def serve(home: Path | None, host: str, port: int, threads: int = THREADS) -> None:
    """Answer HTTP requests until SIGTERM or SIGINT; ends after the requests under way.

    Raises UnsafeRole, PostgresError, VaultError, TracingUnavailable, Refused for a fault in
    BILAG_JWT_FILE, or OSError for a port in use, before it listens.
    """
    open_signed_tokens(os.environ)
    tracing("serve")
    # refused here rather than in the worker, for ever; an embedded server stays up
    with open_installation(home) as opened, opened.pool.connection() as connection:
        instance_key(connection, opened.vault)
    # granian shares its port with whoever listens there too, which could be another installation.
    socket.create_server((host, port), family=AF_INET6 if ":" in host else AF_INET).close()
    server = MPServer(
        "bilag",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=threads,
        backlog=BACKLOG,
        backpressure=threads * 4,
        workers_kill_timeout=STOP_SECONDS_MAX,
        respawn_failed_workers=True,
        log_enabled=False,
    )
    log.info("serving", host=host, port=port, threads=threads)
    server.serve(target_loader=partial(_application, home), wrap_loader=False)
    log.info("served")


def prepare(installation: Installation) -> None:
    """Let Django answer from this installation, in this process: database, verbs, signing key."""
    context.use(installation)
    setup_django(installation.urls.application)
    with installation.pool.connection() as connection:
        # the same whatever master key wraps it, so that changing that signs nobody out
        settings.SECRET_KEY = instance_key(connection, installation.vault).derived(_SIGNING)


def _application(home: Path | None) -> Callable[..., Any]:
    """Open the installation in the worker process and return its WSGI application."""
    stack = ExitStack()
    installation = stack.enter_context(open_installation(home))
    Finalize(None, stack.close, exitpriority=0)
    stack.enter_context(tracing("serve"))  # here: its thread does not cross a fork
    prepare(replace(installation, signed_tokens=open_signed_tokens(os.environ)))
    application = get_wsgi_application()
    # Django warns of every refusal, with its path; a refusal is not a fault of ours.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    _ = get_resolver().url_patterns  # loads the operations now, not with the first request
    return application
