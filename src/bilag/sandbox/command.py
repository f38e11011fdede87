"""The command line of the sandboxes; each kind brings its own options.

`bilag sandbox` and `python -m bilag.sandbox` both come here.
"""

import argparse
import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from bilag.sandbox import business_central, rest, xledger

# One line a kind: what it stands for, its options (a dataclass) and its server.
KINDS: dict[str, tuple[str, type[Any], Callable[..., Coroutine[Any, Any, None]]]] = {
    "business-central": (
        "Dynamics 365 Business Central, API v2.0",
        business_central.Options,
        business_central.serve,
    ),
    "rest": ("an accounting system with a JSON API", rest.Options, rest.serve),
    "xledger": ("Xledger, its GraphQL API", xledger.Options, xledger.serve),
}


def main(arguments: Sequence[str]) -> None:
    """Run the sandbox that the arguments ask for until it is stopped."""
    chosen = vars(_parser().parse_args(arguments))
    _, options, serve = KINDS[chosen.pop("sandbox")]
    port, host, ledger = chosen.pop("port"), chosen.pop("host"), chosen.pop("ledger")
    asyncio.run(serve(port, host, options=options(**chosen), ledger=ledger, announce=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bilag sandbox", description=__doc__)
    kinds = parser.add_subparsers(dest="sandbox", required=True, metavar="KIND")
    for name, (text, options, _) in KINDS.items():
        kind = kinds.add_parser(name, help=text)
        kind.add_argument("--port", type=int, default=8901, help="0 takes a free one")
        kind.add_argument("--host", default="127.0.0.1")
        kind.add_argument("--ledger", type=Path, help="a file that keeps the ledger over restarts")
        for option in fields(options):
            _add(kind, option.name, option.default, option.metadata["help"])
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
