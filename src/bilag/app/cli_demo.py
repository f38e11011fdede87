"""The command `demo`: everything at once, in a folder of its own, for whoever wants to see it.

Needs no set-up and no other database; `--once` ends by itself, for a quick proof.
"""

from pathlib import Path

import click

from bilag.app.cli_open import language_option, output
from bilag.app.demo import PORT, Demo


@click.command("demo")
@click.option("--once", is_flag=True, help="End when all is delivered; 0 when it is proven.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Of the API."
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".bilag/demo"),
    show_default=True,
    help="The demo's own folder; delete it to start from nothing.",
)
@language_option
def demo_command(once: bool, port: int, home: Path, language: str) -> int:
    """Show the whole way: database, accounting system, organizations, claims, delivery, proof.

    Makes an embedded PostgreSQL and a sandbox accounting system, sets three organizations up, takes
    in 400 claims (some of them bad), and delivers them while the sandbox loses answers. Then the
    ledger of the accounting system is compared with ours. Running it again delivers nothing twice.
    It never uses BILAG_DATABASE_URL.
    """
    return Demo(home.absolute(), output(), once, port, language).run()
