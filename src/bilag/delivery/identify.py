"""The company behind the credentials, asked for before anything is sent (C3).

Another company than the one remembered stops the integration, since money would go astray.
"""

from typing import Any

import psycopg

from bilag.connectors.faults import refuses_login
from bilag.core.outcome import Misconfigured, RetryLater
from bilag.core.problem import Problem
from bilag.delivery.pipeline import Report
from bilag.delivery.target import Target
from bilag.integrations import runtime
from bilag.integrations.store import LoadedIntegration
from bilag.tenants.scope import organization_scope_async

OTHER_COMPANY = "other_company"


async def identify(
    connection: psycopg.AsyncConnection[Any], target: Target, loaded: LoadedIntegration
) -> Report | None:
    """Compare the company behind the credentials with the one remembered (C3); None when it is so.

    Failure policy: while the company cannot be asked for nothing goes out, since money could go
    astray; the breaker opens at once, so that the next try waits, longer each time.
    """
    found = await target.connector.identify(target.session)
    if found is None:
        return None
    breaker = target.integration.delivery.breaker
    async with organization_scope_async(connection, target.organization_id):
        if isinstance(found, RetryLater):
            await runtime.breaker_failed(
                connection, target.integration.id, breaker.failures, breaker, found.message
            )
            return Report(stopped_by="breaker", message=found.message)
        if isinstance(found, Misconfigured):
            await runtime.set_error(connection, target.integration.id, found.message)
            return Report(
                stopped_by="misconfigured", message=found.message,
                login_refused=refuses_login(found),
            )  # fmt: skip
        if await runtime.remember_company(connection, target.integration.id, found.id, found.name):
            if target.probing:
                await runtime.breaker_succeeded(connection, target.integration.id)
                target.probing = False
            return None
        message = Problem(
            OTHER_COMPANY,
            params={
                "found": f"{found.id} {found.name}".strip(),
                "remembered": f"{loaded.runtime.company_id} {loaded.runtime.company_name}".strip(),
            },
        ).text(loaded.language)
        await runtime.set_error(connection, target.integration.id, message, OTHER_COMPANY)
        return Report(stopped_by="misconfigured", message=message)
