"""The three kinds of system that the cases of the main job run against, each with its sandbox.

A kind says what its waits are: what a system does 20 minutes later, a moved clock shows at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.business_central import CLIENT, COMPANY, TENANT
from tests.sandboxes import SandboxProcess, start_sandbox
from tests.simulation.conftest import rest_settings

BC_SECRET = "bc~9Q-secret-of-the-simulation"
XLEDGER_TOKEN = "xl-token-of-the-simulation"
# Accounts of the claims of world.py.
ACCOUNTS = {"7140": "Travel", "2990": "Clearing"}


@dataclass(frozen=True)
class System:
    """One kind of accounting system: its sandbox, settings, secrets and what its faults are called.

    `post` is the request that posts; `minutes` is what its clock must be moved by to look again.
    """

    name: str
    connector: str
    sandbox: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    fault: Mapping[str, Any] = field(default_factory=dict)
    documents: int = 1
    minutes: float = 0.0

    def start(self, **options: Any) -> SandboxProcess:
        """Start the sandbox; options are laid over the kind's own."""
        sandbox = start_sandbox(self.sandbox, **{**self.options, **options})
        sandbox.add_master_data(accounts=ACCOUNTS)
        return sandbox

    def settings_of(self, url: str, **changes: Any) -> dict[str, Any]:
        """Return the settings for a sandbox at this address."""
        if self.connector == "rest":
            return rest_settings(url, **changes)
        here = {name: value.replace("{url}", url) if isinstance(value, str) else value
                for name, value in self.settings.items()}  # fmt: skip
        return {**here, **changes}


REST = System(name="rest", connector="rest", sandbox="rest", options={"auth": "none"})
BUSINESS_CENTRAL = System(
    name="business_central",
    connector="dynamics_business_central",
    sandbox="business-central",
    options={"tenant": TENANT, "client_id": CLIENT, "client_secret": BC_SECRET},
    secrets={"client_secret": BC_SECRET},
    settings={
        "baseUrl": "{url}/v2.0",
        "loginUrl": "{url}",
        "tenant": TENANT,
        "environment": "Production",
        "company": COMPANY,
        "clientId": CLIENT,
        "documentsPerJournal": 20,
        "dimensions": {"costCentre": "AVDELING", "project": "PROSJEKT"},
    },
    fault={"on": "post"},
    documents=20,
    minutes=25,
)
# A tenth of a second instead of five: the same 20 requests in a window, counted by the sandbox.
XLEDGER = System(
    name="xledger",
    connector="xledger",
    sandbox="xledger",
    options={"token": XLEDGER_TOKEN, "burst_seconds": 0.1, "concurrency": 4},
    secrets={"api_token": XLEDGER_TOKEN},
    settings={
        "endpoint": "{url}/graphql",
        "vouchers": {"jobLevel": {"dbSubId": 1}},
        "dimensions": {"glObject1": "project", "glObject2": "costCentre"},
        "lookUp": {"entryLines": True},
        "pace": {"burstSeconds": 0.11, "settleSeconds": 1},
    },
    minutes=2,
)
