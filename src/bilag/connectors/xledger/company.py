"""Finds the entity whose books the token reaches, so that nothing lands in the wrong ones.

A token reaches its own entity and those below; where it is several, the settings name one.
"""

from bilag.connectors.xledger.pages import Row, code_of, read_pages
from bilag.connectors.xledger.wire import ReadFailed, Wire, unreadable
from bilag.core.outcome import Company, Misconfigured, RetryLater, Unknown
from bilag.core.problem import Problem


async def identify_company(
    wire: Wire, timeout_seconds: float | None = None
) -> Company | RetryLater | Misconfigured:
    """Return the entity; never raises. RetryLater when nothing could be learnt of it."""
    entities: list[Row] = []
    try:
        async for rows, reply in read_pages(
            wire, "entities", "dbId code description", timeout_seconds=timeout_seconds
        ):
            if any(not row.get("dbId") for row in rows):
                raise unreadable("/data/entities/edges/node/dbId", reply.evidence)
            entities += rows
    except ReadFailed as failure:
        outcome = failure.outcome
        if isinstance(outcome, Unknown):
            return RetryLater(
                outcome.message,
                transport=outcome.transport,
                evidence=outcome.evidence,
                problem=outcome.problem,
            )
        return outcome
    return _the_one(wire, entities)


def _the_one(wire: Wire, entities: list[Row]) -> Company | Misconfigured:
    owner = wire.settings.vouchers.owner
    expected = wire.settings.entity or owner.code or str(owner.db_id or "")
    found = [e for e in entities if not expected or expected in (str(e["dbId"]), code_of(e))]
    if len(found) == 1:
        return Company(str(found[0]["dbId"]), code_of(found[0], "description"))
    listed = ", ".join(f"{e['dbId']} {code_of(e)} {code_of(e, 'description')}" for e in entities)
    problem = Problem("xledger.several_entities", params={"found": listed[:300]})
    if expected and not found:
        params = {"found": listed[:300] or "-", "expected": expected}
        problem = Problem("connector.wrong_company", params=params)
    elif not entities:
        params = {"path": "entities", "pointer": "dbId"}
        problem = Problem("connector.company_unreadable", params=params)
    return Misconfigured(problem.text(), problem=problem)
