"""Reading an accounting system outside a sync: looks references up and writes nothing there.

The company behind the login is asked first (C3), since another company's books say nothing of ours.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from bilag.connectors.interface import Connector, Session
from bilag.core.outcome import CannotTell, Found, Misconfigured, RetryLater
from bilag.core.problem import Problem, Refused
from bilag.delivery.sessions import Sessions
from bilag.delivery.set_up import SetUp, set_up
from bilag.integrations.keys import Vault
from bilag.integrations.store import LoadedIntegration, load_integration_async
from bilag.tenants.scope import organization_scope_async

READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """An integration's system, ready to be asked; `proven`: its look-up has found a voucher before.

    Without that proof "absent" is not believed, since a wrong search finds nothing either.
    """

    loaded: LoadedIntegration
    ready: SetUp
    session: Session[Any]

    @property
    def proven(self) -> bool:
        return self.loaded.runtime.look_up_proven_at is not None

    async def look_up(
        self, references: Sequence[str], since: datetime | None
    ) -> Mapping[str, Found]:
        """Return what stands there under each reference; what fails is CannotTell, never raised."""
        found: dict[str, Found] = {}
        for start in range(0, len(references), self.set_max):
            found |= await self._look_up(references[start : start + self.set_max], since)
        return {one: found.get(one, CannotTell("it was not answered for")) for one in references}

    @property
    def set_max(self) -> int:
        """Return how many references are asked for at once."""
        return min(READ_AT_ONCE, self.ready.capabilities.look_ups_at_once)

    async def _look_up(
        self, references: Sequence[str], since: datetime | None
    ) -> Mapping[str, Found]:
        try:
            return await self.ready.connector.look_up(references, self.session, since)
        except Exception as error:  # a connector's fault decides nothing  # noqa: BLE001
            message = self.session.http.redact(f"{type(error).__name__}: {error}")
            return dict.fromkeys(references, CannotTell(message))


@asynccontextmanager
async def reading(
    connection: psycopg.AsyncConnection[Any],
    connectors: Mapping[str, Connector[Any]],
    vault: Vault,
    organization_id: UUID,
    integration_id: UUID,
) -> AsyncIterator[Reader]:
    """Open an integration's system for look-ups; no transaction is open while it is asked.

    Raises Refused when it cannot be set up, looked up in, reached, or leads to another company.
    """
    async with organization_scope_async(connection, organization_id):
        loaded = await load_integration_async(connection, integration_id)
        if loaded is None:
            raise Refused(Problem("resource_unknown"))
        ready = await set_up(connection, connectors, vault, loaded)
    if not (ready.capabilities.can_look_up and loaded.integration.delivery.look_up):
        raise Refused(Problem("no_look_up", params={"integration": loaded.integration.key}))
    sessions = Sessions()
    try:
        session = await sessions.get(loaded, ready.settings, ready.secrets)
        await _refuse_other_company(ready.connector, session, loaded)
        yield Reader(loaded, ready, session)
    finally:
        await sessions.close()


async def _refuse_other_company(
    connector: Connector[Any], session: Session[Any], loaded: LoadedIntegration
) -> None:
    found = await connector.identify(session)
    if isinstance(found, RetryLater | Misconfigured):
        raise Refused(
            found.problem or Problem("look_up_failed_now", params={"message": found.message})
        )
    known = loaded.runtime
    if found is not None and known.company_id not in (None, found.id):
        params = {
            "found": f"{found.id} {found.name}".strip(),
            "remembered": f"{known.company_id} {known.company_name}".strip(),
        }
        raise Refused(Problem("other_company", params=params))
