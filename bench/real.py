"""The ledgers that real organizations post to: sandbox, settings, and the limits of the real ones.

The paces are set wide open in sandbox and settings; everything else stands as delivered.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.engine import Route, mapping_document

_SECRET = "secret-of-the-benchmark"
_TENANT, _CLIENT, _COMPANY = str(uuid.UUID(int=1)), str(uuid.UUID(int=2)), "Benchmark"
_OPEN = 1_000_000


@dataclass(frozen=True, slots=True)
class RealLedger:
    """One way to post to one ledger: its sandbox, the engine's route, and how the loop logs in.

    `requests`, `seconds` is the limit of the real system; `login` a token, or the form for one.
    """

    name: str
    documents: int
    kind: str
    options: dict[str, Any]
    route: Callable[[str], Route]
    requests: int
    seconds: int
    login: str = ""
    token_path: str = ""
    token_form: dict[str, str] = field(default_factory=dict)


def _xledger(documents: int) -> RealLedger:
    def route(url: str) -> Route:
        settings: dict[str, Any] = {
            "endpoint": f"{url}/graphql",
            "vouchers": {"jobLevel": {"dbSubId": 1}},
            "dimensions": {"glObject1": "project", "glObject2": "costCentre"},
            "pace": {"burstRequests": 1000, "burstSeconds": 0.001},
        }
        if documents > 1:
            settings["batches"] = {"documentsPerCall": documents, "batchRule": "atomic"}
        return Route(
            f"bench-xledger-{documents}", "xledger", settings, _DELIVERY, {"api_token": _SECRET}
        )

    return RealLedger(
        name="Xledger",
        documents=documents,
        kind="xledger",
        options={"token": _SECRET, "burst_requests": _OPEN},
        route=route,
        requests=20,
        seconds=5,
        login=f"token {_SECRET}",
    )


def _business_central(documents: int) -> RealLedger:
    def route(url: str) -> Route:
        settings = {
            "baseUrl": f"{url}/v2.0",
            "loginUrl": url,
            "tenant": _TENANT,
            "environment": "Production",
            "company": _COMPANY,
            "clientId": _CLIENT,
            "documentsPerJournal": documents,
            "dimensions": {"costCentre": "AVDELING", "project": "PROSJEKT"},
        }
        return Route(
            "bench-business-central", "dynamics_business_central", settings, _DELIVERY,
            {"client_secret": _SECRET}, vat_code="",
        )  # fmt: skip

    return RealLedger(
        name="Business Central",
        documents=documents,
        kind="business-central",
        options={
            "tenant": _TENANT,
            "client_id": _CLIENT,
            "client_secret": _SECRET,
            "company_name": _COMPANY,
            "rate_requests": _OPEN,
        },
        route=route,
        requests=6000,
        seconds=300,
        token_path=f"/{_TENANT}/oauth2/v2.0/token",
        token_form={
            "grant_type": "client_credentials",
            "client_id": _CLIENT,
            "client_secret": _SECRET,
            "scope": "https://api.businesscentral.dynamics.com/.default",
        },
    )


# What is taken is due to be looked for at once, so that no waiting time is measured.
_DELIVERY = {"settleSeconds": 0}
LEDGERS = (_xledger(1), _xledger(100), _business_central(50))


def master_data(ledger: RealLedger) -> dict[str, dict[str, str]]:
    """Return the master data that the mapped claims need, code to name, as the sandbox takes it."""
    mapping = mapping_document()
    postings = [*mapping["categories"].values(), *mapping["defaults"].values()]
    codes = {
        "accounts": [mapping["counterAccount"], *(one["account"] for one in postings)],
        "costCentres": mapping["costCentres"]["codes"].values(),
        "projects": mapping["projects"]["codes"].values(),
    }
    if ledger.kind == "xledger":
        codes["suppliers"] = mapping["claimants"].values()
    return {kind: {code: f"{kind} {code}" for code in chosen} for kind, chosen in codes.items()}
