"""Slows down whoever tries tokens out: after some wrong ones an address has to wait.

Only the address waits, never a token or an organization, and a token that was good before is let in
from there too: one machine with an old token does not shut out the others behind its address.
"""

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest

from bilag.core.clock import running_seconds

Key = TypeVar("Key")
Value = TypeVar("Value")

# Failure policy: so many different wrong tokens from one address in a minute, and further ones that
# are not known to be good are refused unread until a minute has passed since the oldest of them.
# The same wrong token again counts once, so an app with an expired one only hurts itself.
WRONG_MAX = 20
WINDOW_SECONDS = 60.0
# What is kept in memory, the newest; each process counts for itself.
_ADDRESSES_MAX = 10_000
_KNOWN_MAX = 10_000


class Attempts:
    """The wrong tokens of the last minute by address, and the good ones by their hash."""

    def __init__(self, clock: Callable[[], float] = running_seconds) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, OrderedDict[bytes, float]] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def wait_seconds(self, address: str, token_hash: bytes) -> float:
        """Return how long this address has to wait with this token: 0 when it may be looked at."""
        with self._lock:
            wrong = self._recent(_place(address))
            if token_hash in self._known or len(wrong) < WRONG_MAX:
                return 0.0
            return max(1.0, next(iter(wrong.values())) + WINDOW_SECONDS - self._clock())

    def good(self, token_hash: bytes) -> None:
        """Remember that this token was valid."""
        with self._lock:
            _put(self._known, token_hash, None, _KNOWN_MAX)

    def wrong(self, address: str, token_hash: bytes) -> None:
        """Remember that this address came with this token, which was not valid."""
        place = _place(address)
        with self._lock:
            self._known.pop(token_hash, None)
            wrong = self._recent(place)
            if len(wrong) < WRONG_MAX:
                wrong.setdefault(token_hash, self._clock())
            _put(self._wrong, place, wrong, _ADDRESSES_MAX)

    def forget(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._wrong.clear()
            self._known.clear()

    def _recent(self, place: str) -> OrderedDict[bytes, float]:
        wrong = self._wrong.get(place, OrderedDict())
        since = self._clock() - WINDOW_SECONDS
        while wrong and next(iter(wrong.values())) < since:
            wrong.popitem(last=False)
        return wrong


attempts = Attempts()


def _place(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /64 that one IPv6 line has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def client_address(request: HttpRequest) -> str:
    """Return where a request comes from, behind as many web servers of ours as the operator said.

    Each of them adds the address that it saw to X-Forwarded-For; what stands before theirs, anybody
    may have written.
    """
    direct = str(request.META.get("REMOTE_ADDR", ""))
    ours: int = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    passed = [one.strip() for one in request.headers.get("X-Forwarded-For", "").split(",")]
    return passed[-ours] if ours and len(passed) >= ours and passed[-ours] else direct


def _put(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
