"""A new credential proves itself with the first document that goes out under it (C5).

Refused before that, the one before it is used again, once; after that a refusal stops as ever.
"""

from typing import Any

import psycopg
import structlog

from bilag.core.problem import Problem
from bilag.delivery.pipeline import Report
from bilag.delivery.target import Target
from bilag.exports.audit import record_change_async
from bilag.integrations import runtime
from bilag.integrations.reserve import fall_back, forget_reserve
from bilag.tenants.scope import organization_scope_async

log = structlog.get_logger(__name__)

_ACTOR = "bilag"


async def judge_trial(
    connection: psycopg.AsyncConnection[Any], target: Target, report: Report, language: str
) -> bool:
    """Erase what is in reserve after a success, or put it back in use; True when it is in use.

    One transaction. What was set anew since this sync began is not judged by it.
    """
    if not target.on_trial:
        return False
    integration = target.integration
    names = sorted(one.field for one in target.on_trial)
    async with organization_scope_async(connection, target.organization_id):
        if report.outcomes["accepted"]:
            if await forget_reserve(
                connection, target.organization_id, integration.id, target.on_trial
            ):
                await _record(connection, target, "credential.proven", names, "")
            return False
        if not report.login_refused:
            return False
        names = await fall_back(connection, target.organization_id, integration.id, target.on_trial)
        if not names:
            return False
        await runtime.clear_error_async(connection, integration.id)
        problem = Problem(
            "credential_fell_back",
            params={
                "fields": ", ".join(names),
                "by": ", ".join(sorted({one.set_by for one in target.on_trial})),
                "message": report.message,
            },
        )
        await runtime.set_warning(connection, integration.id, problem.text(language))
        await _record(connection, target, "credential.fell_back", names, report.message)
    log.warning("credential_fell_back", integration=integration.key, fields=names)
    return True


async def _record(
    connection: psycopg.AsyncConnection[Any],
    target: Target,
    event: str,
    names: list[str],
    message: str,
) -> None:
    detail = {"run": str(target.run_id)} | ({"answer": message} if message else {})
    for name in names:
        subject = f"credential {target.integration.key}.{name}"
        await record_change_async(
            connection, target.organization_id, _ACTOR, event, subject, detail
        )
