"""The ledgers that real organizations post to: sandbox, settings, and the limits of the real ones.

The paces are set wide open in sandbox and settings; everything else stands as delivered.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.engine import Route, mapping_document
from bilag.connectors.registry import CONNECTORS

_SECRET = "secret-of-the-benchmark"
_TENANT, _CLIENT, _COMPANY = str(uuid.UUID(int=1)), str(uuid.UUID(int=2)), "Benchmark"
_OPEN = 1_000_000
_REFERENCE = re.compile(r"\bB[A-Z2-7]{19}\b")
_CODE = re.compile(r"\bBG[A-Z2-7]{7}X\b")
# The ids of recorder.py: the first four groups are the journal's code.
_ID = re.compile(r"\b(?:journals|journalLines)\(((?:\w+-){4})\w{12}\)")

Requests = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RealLedger:
    """One way to post to one ledger: its sandbox, the engine's route, and how the loop sends.

    `requests` in `seconds` is the limit of the real system; the loop has a `login`, or the form to
    get one, and sends `chains`: requests that need each other's effect, in order.
    """

    name: str
    documents: int
    kind: str
    options: dict[str, Any]
    route: Callable[[str], Route]
    requests: int
    seconds: int
    chains: Callable[[Requests], list[Requests]]
    login: str = ""
    token_path: str = ""
    token_form: dict[str, str] = field(default_factory=dict)

    @property
    def window(self) -> int:
        """How many submissions the connector lets be under way; each is one chain or more."""
        route = self.route("http://127.0.0.1")
        connector = CONNECTORS[route.connector]
        settings = connector.settings_type.model_validate(route.settings)
        return connector.capabilities(settings).requests_in_flight_max


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
            f"bench-xledger-{documents}", "xledger", settings, _DELIVERY, mapping_document(),
            {"api_token": _SECRET},
        )  # fmt: skip

    return RealLedger(
        name="Xledger",
        documents=documents,
        kind="xledger",
        options={"token": _SECRET, "burst_requests": _OPEN},
        route=route,
        requests=20,
        seconds=5,
        chains=lambda requests: [[one] for one in requests],
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
            mapping_document(vat_code=""), {"client_secret": _SECRET},
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
        chains=_by_journal,
        token_path=f"/{_TENANT}/oauth2/v2.0/token",
        token_form={
            "grant_type": "client_credentials",
            "client_id": _CLIENT,
            "client_secret": _SECRET,
            "scope": "https://api.businesscentral.dynamics.com/.default",
        },
    )


def _by_journal(requests: Requests) -> list[Requests]:
    """Return the requests of each journal in their order; those of none are a chain as well."""
    journal_of: dict[str, str] = {}
    chains: dict[str, Requests] = {}
    texts = [f"{one['path']} {one['body']}" for one in requests]
    for text in texts:
        if code := _journal(text):
            journal_of |= dict.fromkeys(_REFERENCE.findall(text), code)
    for one, text in zip(requests, texts, strict=True):
        reference = _REFERENCE.search(text)
        code = _journal(text) or (journal_of[reference[0]] if reference else "")
        chains.setdefault(code, []).append(one)
    return list(chains.values())


def _journal(text: str) -> str:
    """Return the code of the journal that a request names by code or id, empty when by neither."""
    if code := _CODE.search(text):
        return code[0]
    named = _ID.search(text)
    return bytes.fromhex(named[1].replace("-", "")).decode() if named else ""


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
