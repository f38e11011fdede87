"""Connections and tokens of targets, kept between the syncs of one worker process.

A session lives as long as settings, secrets and allowed networks stay the same; memory only.
"""

import hashlib
import ipaddress
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from bilag.connectors.http import HttpClient
from bilag.connectors.interface import Session
from bilag.connectors.redact import Redactor
from bilag.integrations.store import LoadedIntegration

# Failure policy: an idle session is closed after so long; the next sync opens a new one.
IDLE_SECONDS_MAX = 300.0


class Sessions:
    """The open sessions of one worker, by integration; at most one sync uses one at a time."""

    def __init__(self) -> None:
        self._open: dict[UUID, tuple[bytes, Session[Any], float]] = {}

    async def get(
        self, loaded: LoadedIntegration, settings: BaseModel, secrets: Mapping[str, str]
    ) -> Session[Any]:
        """Return the session of an integration, a new one when anything about it has changed."""
        integration = loaded.integration
        fingerprint = _fingerprint(loaded, secrets)
        held = self._open.get(integration.id)
        if held is not None and held[0] == fingerprint:
            self._open[integration.id] = (fingerprint, held[1], time.monotonic())
            return held[1]
        if held is not None:
            await held[1].http.__aexit__()
        http = HttpClient(
            allowed=[ipaddress.ip_network(network) for network in loaded.allowed_networks],
            timeout_seconds=integration.delivery.request_timeout_seconds,
            connections_max=integration.delivery.requests_in_flight,
            redact=Redactor(secrets.values()),
        )
        await http.__aenter__()
        session: Session[Any] = Session(http=http, settings=settings, secrets=secrets)
        self._open[integration.id] = (fingerprint, session, time.monotonic())
        return session

    async def close(self, idle_seconds: float = 0.0) -> None:
        """Close sessions that were not used for `idle_seconds`; 0 closes all."""
        now = time.monotonic()
        for key, (_, session, used) in list(self._open.items()):
            if now - used >= idle_seconds:
                del self._open[key]
                await session.http.__aexit__()


def _fingerprint(loaded: LoadedIntegration, secrets: Mapping[str, str]) -> bytes:
    """Return a hash of everything a session is made of; secrets enter only through the hash."""
    integration = loaded.integration
    return hashlib.sha256(
        orjson.dumps(
            [
                integration.settings,
                integration.delivery.model_dump(mode="json"),
                sorted(loaded.allowed_networks),
                sorted(secrets.items()),
            ],
            option=orjson.OPT_SORT_KEYS,
        )
    ).digest()
