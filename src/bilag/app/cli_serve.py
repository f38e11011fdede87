"""The command `serve`: answers the portal and the HTTP API.

It connects as the application's role and refuses to start as owner or superuser.
"""

import click

from bilag.app.cli_log import configure_logging
from bilag.app.cli_open import usable_database
from bilag.app.postgres import default_home
from bilag.app.serve import THREADS, serve


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Its port."
)
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    default=THREADS,
    show_default=True,
    help="Requests answered at once.",
)
def serve_command(host: str, port: int, threads: int) -> None:
    """Answer the portal and the API (/api/v1/docs) until SIGTERM or Ctrl-C.

    Put a web server with TLS in front of it, and name that one's host in BILAG_ALLOWED_HOSTS.
    Delivery is done by `bilag worker`, in processes of its own.
    """
    configure_logging("info")
    home = default_home()
    usable_database(home)
    serve(home, host, port, threads)
