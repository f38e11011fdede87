"""Ports for what tests start: nobody is given the port of a system that a test has stopped.

They lie below those that the machine hands out for connections, each process of the suite its own.
"""

import os
import socket
from itertools import count

FIRST, OF_EACH = 12_000, 2_000
_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
# two runs of the suite beside each other begin elsewhere
_handed_out = count(os.getpid())


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens, another one on every call."""
    for position in _handed_out:
        port = FIRST + _number * OF_EACH + position % OF_EACH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("the count does not end")
