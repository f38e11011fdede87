"""Runs as the coordinator sees them, and the sum rule: where every record stands."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from bilag.api.answers import (
    CountAndSum,
    RunAnswer,
    RunsAnswer,
    StatusAnswer,
    TotalsAnswer,
    answer,
)
from bilag.api.auth import EXPORTS_READ, RUNS_READ, caller_of, exports_of
from bilag.api.documents import READ_ERRORS
from bilag.api.exports import PATH
from bilag.api.problems import ApiProblem
from bilag.core.money import amount_text
from bilag.core.problem import Problem
from bilag.delivery.installation import tenant
from bilag.exports.standing import standings
from bilag.exports.status import StateTotal, sum_rule, totals
from bilag.tenants.organizations import read_organization

RUNS_MAX = 100

router = Router(tags=["overview"], by_alias=True)


@router.get(
    PATH + "/runs",
    auth=RUNS_READ,
    response={200: RunsAnswer, **READ_ERRORS},
    summary="The newest runs",
)
def list_runs(
    request: HttpRequest, limit: Annotated[int, Query(ge=1, le=RUNS_MAX)] = 20
) -> HttpResponse:
    """Each run with its counts as answered then, and as the same claims stand now."""
    return answer(200, RunsAnswer(runs=_runs(request, None, limit)))


@router.get(
    PATH + "/runs/{runId}",
    auth=RUNS_READ,
    response={200: RunAnswer, **READ_ERRORS},
    summary="One run",
)
def get_run(request: HttpRequest, run_id: Annotated[UUID, Path(alias="runId")]) -> HttpResponse:
    """One run with its counts as answered then, and as the same claims stand now."""
    found = _runs(request, run_id, 1)
    if not found:
        raise ApiProblem(404, Problem("resource_unknown"))
    return answer(200, found[0])


@router.get(
    "/status",
    auth=EXPORTS_READ,
    response={200: StatusAnswer, **READ_ERRORS},
    summary="Where all records stand",
)
def get_status(request: HttpRequest) -> HttpResponse:
    """Approved = the sum of all states, in count and sum per integration and currency."""
    own = caller_of(request).organization_id
    with tenant(own) as connection:
        rows = totals(connection)
        organization = read_organization(connection, own)
    difference = sum_rule(rows)
    places = sorted({(row.integration_key, row.integration_name, row.currency) for row in rows})
    return answer(
        200,
        StatusAnswer(
            totals=[
                _totals(
                    [r for r in rows if (r.integration_key, r.currency) == (key, currency)],
                    TotalsAnswer(
                        integration=key,
                        integration_name=name,
                        currency=currency,
                        approved=CountAndSum(count=0, amount="0"),
                        states={},
                        difference=_difference(*difference.get((key, currency), (0, Decimal(0)))),
                    ),
                )
                for key, name, currency in places
            ],
            excluded_features=list(organization.excluded_features) if organization else [],
        ),
    )


def _runs(request: HttpRequest, run_id: UUID | None, limit: int) -> list[RunAnswer]:
    found, states = exports_of(request).get_run_status(run_id, limit)
    with tenant(caller_of(request).organization_id) as connection:
        now = standings(connection, [run.run_id for run in found])
    return [
        RunAnswer.of(run, now.get(run.run_id), states.get(run.integration_key, "disabled"))
        for run in found
    ]


def _totals(rows: list[StateTotal], found: TotalsAnswer) -> TotalsAnswer:
    for row in rows:
        total = CountAndSum(count=row.count, amount=amount_text(row.amount))
        if row.listing == "current" and row.state == "approved":
            found.approved = total
        elif row.listing == "current":
            found.states[row.state] = total
        elif row.listing == "forced":
            found.forced = {**(found.forced or {}), row.state: total}
        else:
            found.reversals = {**(found.reversals or {}), row.state: total}
    return found


def _difference(count: int, amount: Decimal) -> CountAndSum:
    return CountAndSum(count=count, amount=amount_text(amount))
