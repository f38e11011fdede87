"""Organizations for the walks that repair, sync and control: each walk and language has its own.

They deliver to the REST sandbox of the running portal, by its worker, before the walk begins.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bilag.app.cli_configure import apply_file
from bilag.core.record import Record
from bilag.exports.decide import DecisionRefused
from bilag.integrations.model import organization_id
from tests.portal.live import Live
from tests.portal.place import claim
from tests.portal.visitors import Visitor, signed_in
from tests.sandboxes import SandboxProcess

# Failure policy: what the worker has not done within this fails the test.
PATIENCE_SECONDS = 60.0
# What differs from run to run, besides days and times: what is computed or counted by systems.
SAME = (
    (r"\bB[A-Z2-7]{19}\b", "REFERENCE"),
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"((?:Control report|Kontrollrapport) )\d+\b", r"\1NUMBER"),
    (r"(\d\d\.\d\d\.\d{4}|\d{4}-\d\d-\d\d)(?= (?:to today|til i dag))", "DAY"),
    # the month before this one is what a period begins with
    (r'((?:spinbutton|date) "[^"]*") value "[\d-]+"', r'\1 value "NUMBER"'),
)
MAPPING: dict[str, Any] = {
    "categories": {"kollektivreise": {"account": "7140"}, "servering": {"account": "6860"}},
    "counterAccount": "2990",
    "missingClaimant": "clearing",
    "clearingAccount": "2990",
}


@dataclass
class Walked:
    """An organization with one integration, the person who walks its pages, and the sandbox."""

    live: Live
    slug: str
    name: str
    visitor: Visitor

    @property
    def sandbox(self) -> SandboxProcess:
        """Return the accounting system that it delivers to."""
        return self.live.sandboxes["rest"]

    @property
    def address(self) -> str:
        """Return where its overview is."""
        return f"{self.live.origin}/o/{self.slug}/"

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement in its scope."""
        return self.live.place.query(self.slug, statement, *parameters)

    def hand_over(self, *ids: str, **changes: Any) -> None:
        """Hand over approved claims of these ids, as the app does."""
        verbs = self.live.place.installation.exports_of(self._id, "test")
        verbs.accept_records([record(number, name, **changes) for number, name in enumerate(ids)])

    def sync(self) -> None:
        """Ask for a sync of what waits, once no other goes on; the worker does it."""
        self.until(self._is_asked)

    def _is_asked(self) -> bool:
        try:
            self.live.place.installation.syncs_of(self._id, "user test").start("rest")
        except DecisionRefused:
            return False
        return True

    def states(self) -> dict[str, str]:
        """Return how each claim stands."""
        return dict(self.query("SELECT source_id, state FROM exports"))

    def booked(self, *ids: str) -> dict[str, int]:
        """Return how often each of these claims stands in the sandbox's ledger."""
        entries = [one["sourceId"] for one in self.sandbox.ledger()["entries"]]
        return {name: entries.count(name) for name in ids}

    def until(self, what: Callable[[], bool]) -> None:
        """Wait for the worker to have done something."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not what():
            assert time.monotonic() < end, (self.states(), self.live.log.read_text()[-2000:])
            time.sleep(0.1)

    def at_rest(self) -> bool:
        """Return whether no sync of it goes on."""
        rows = self.query("SELECT 1 FROM sync_requests WHERE ended_at IS NULL")
        return not rows and not self.query("SELECT 1 FROM syncs WHERE finished_at IS NULL")

    @property
    def _id(self) -> Any:
        return self.live.place.organizations[self.slug]


def record(number: int, source_id: str, **changes: Any) -> Record:
    """Return an approved claim by Volunteer 017 under an id of its own."""
    plain = {"claimant_id": "V017", "text": "Møte på Hamar"}
    return replace(claim(number), source_id=source_id, **{**plain, **changes})


def open_walk(
    live: Live, walk: str, name: str, language: str, mapping: Any = MAPPING, **delivery: Any
) -> Walked:
    """Make an organization of this walk and language in the running portal."""
    slug, visitor = f"{walk}-{language}", signed_in(f"{walk}-{language}")
    place = live.place
    integration = {
        "key": "rest",
        "name": "Regnskap",
        "type": "rest",
        "book": "rest",
        "settings": {
            "baseUrl": live.sandboxes["rest"].url,
            "path": "/vouchers",
            "auth": {"kind": "api_key", "apiKeyHeader": "X-API-Key"},
            "success": {"externalReference": "/id", "voucherNumber": "/voucherNumber"},
            "settleSeconds": 0.2,
        },
        "credentials": {"api_key": "file:secret"},
        # one after the other, so that they are told of in the same order each time
        "delivery": {"trigger": "manual", "requestsInFlight": 1, **delivery},
        "mapping": mapping,
    }
    organization = {
        "slug": slug,
        "name": name,
        "language": language,
        "allowedNetworks": ["127.0.0.0/8"],
        "members": [{"subject": visitor.email, "role": "admin"}],
        "books": [{"key": "rest", "name": "Hovedbok", "currency": "NOK"}],
        "integrations": [integration],
    }
    file = place.home / f"{slug}.json"
    file.write_text(json.dumps({"organizations": [organization]}))
    apply_file(place.installation, file, by="test")
    place.organizations[slug] = organization_id(slug)
    return Walked(live, slug, name, visitor)
