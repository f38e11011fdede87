"""Alice's organization posting to a sandbox, delivered by a worker of its own, for the repairs."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.test import Client

from bilag.integrations.store import save_mapping
from bilag.tenants.scope import organization_scope
from tests.database.api_stage import record
from tests.portal.stage import Portal
from tests.portal.test_watch import said
from tests.sandboxes import SandboxProcess
from tests.simulation.conftest import rest_settings
from tests.simulation.test_force import LOOK_UP

# The app's cost centre 17 is one that the ledger does not know.
MAPPING: dict[str, Any] = {
    "categories": {"travel": {"account": "7140"}, "meal": {"account": "6860"}},
    "counterAccount": "2990",
    "missingClaimant": "clearing",
    "clearingAccount": "2990",
    "costCentres": {"codes": {"17": "9999", "18": "100"}},
}


@dataclass
class Repair:
    """The portal, with the sandbox that Alice posts to."""

    portal: Portal
    sandbox: SandboxProcess

    def connect(self, *, look_up: bool = True) -> None:
        """Point Alice's integration at the sandbox, with a mapping that is wrong in one place."""
        alice = self.portal.stage.alice
        settings = rest_settings(self.sandbox.url, look_up=look_up)
        if look_up:
            settings |= LOOK_UP
        self.portal.stage.query(
            "UPDATE organization_integrations SET settings = %s::jsonb",
            orjson.dumps(settings).decode(),
        )
        with (
            self.portal.stage.installation.pool.connection() as connection,
            organization_scope(connection, alice.organization),
        ):
            save_mapping(connection, alice.organization, alice.integration, MAPPING, "test")

    def approve(self, *names: str, cost_centre: str = "18", **changes: Any) -> None:
        """Hand approved claims over, as the app does."""
        alice = self.portal.stage.alice
        alice.hand_over(*(record(name, costCentre=cost_centre, **changes) for name in names))

    def deliver(self, *arguments: str) -> None:
        """Let a worker do all that is due now."""
        stage = self.portal.stage
        environment = {
            "BILAG_HOME": str(stage.installation.home),
            "BILAG_DATABASE_URL": stage.database.application_url,
            "BILAG_DATABASE_OWNER_URL": stage.database.owner_url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "bilag.app.cli", *(arguments or ("worker", "--once"))],
            env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr

    def states(self) -> dict[str, str]:
        """Return how each claim stands, the newest generation of each."""
        rows = self.portal.stage.query("SELECT source_id, state FROM exports ORDER BY generation")
        return dict(rows)

    def booked(self) -> dict[str, int]:
        """Return how often each claim stands in the sandbox's ledger."""
        found: dict[str, int] = {}
        for entry in self.sandbox.ledger()["entries"]:
            found[entry["sourceId"]] = found.get(entry["sourceId"], 0) + 1
        return found

    def id_of(self, name: str) -> int:
        """Return the newest export of a claim."""
        ((found,),) = self.portal.stage.query(
            "SELECT max(id) FROM exports WHERE source_id = %s", name
        )
        return int(found)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the details of what the audit log holds of an event, with who did it."""
        rows = self.portal.stage.query(
            "SELECT actor, detail FROM change_logs WHERE event = %s ORDER BY id", event
        )
        return [{**detail, "actor": actor} for actor, detail in rows]

    def limit(self, amount: str) -> None:
        """Ask for a second person above an amount."""
        self.portal.stage.query(
            "UPDATE organizations SET force_approval_above = %s WHERE slug = 'alice'",
            Decimal(amount),
        )


def page_of(browser: Client, address: str) -> str:
    """Return the markup of a page that must be there."""
    answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def text_of(browser: Client, address: str) -> str:
    """Return the text of a page that must be there."""
    return said(page_of(browser, address))


def addresses(page: str, pattern: str) -> Sequence[str]:
    """Return the addresses of links and forms of a page that fit, each once, unescaped."""
    found = re.findall(r'(?:href|action|formaction)="([^"]+)"', page)
    fitting = [one.replace("&amp;", "&") for one in found if re.search(pattern, one)]
    return list(dict.fromkeys(fitting))
