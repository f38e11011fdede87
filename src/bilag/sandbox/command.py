"""The command line of the sandboxes; each kind brings its own options.

`bilag sandbox` and `python -m bilag.sandbox` both come here.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from bilag.sandbox.rest import Options, serve

KINDS = ("rest",)


def main(arguments: Sequence[str]) -> None:
    """Run the sandbox that the arguments ask for until it is stopped."""
    chosen = vars(_parser().parse_args(arguments))
    chosen.pop("sandbox")
    port, host, ledger = chosen.pop("port"), chosen.pop("host"), chosen.pop("ledger")
    asyncio.run(serve(port, host, options=Options(**chosen), ledger=ledger, announce=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bilag sandbox", description=__doc__)
    kinds = parser.add_subparsers(dest="sandbox", required=True, metavar="KIND")
    rest = kinds.add_parser("rest", help="an accounting system with a JSON API")
    rest.add_argument("--port", type=int, default=8090, help="0 takes a free one")
    rest.add_argument("--host", default="127.0.0.1")
    rest.add_argument("--ledger", type=Path, help="a file that keeps the ledger over restarts")
    for option in fields(Options):
        _add(rest, option.name, option.default, option.metadata["help"])
    return parser


def _add(parser: argparse.ArgumentParser, name: str, default: Any, text: str) -> None:
    if default is MISSING:
        raise TypeError(f"the option {name} needs a default")
    flag = "--" + name.replace("_", "-")
    if isinstance(default, bool):
        parser.add_argument(flag, action="store_true", default=default, help=text)
    else:
        parser.add_argument(
            flag, type=type(default), default=default, help=f"{text} (default: {default})"
        )
