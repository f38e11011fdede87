"""The harness over the Business Central sandbox, and what its tests send.

What the facts leave open is a switch of the sandbox; `USUAL` sets every one of them back.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

from bilag.connectors.dynamics.business_central import (
    BusinessCentralConnector,
    BusinessCentralSettings,
)
from bilag.connectors.http import Permit
from bilag.connectors.interface import Session, Submission
from bilag.core.clock import running_seconds
from bilag.core.outcome import Outcome, Staged
from tests.conformance.suite import Harness, voucher
from tests.sandboxes import SandboxProcess, start_sandbox

SECRET = "cs~9Q/odd+chars&=?-2210"
TENANT = "6f1d2c3b-0a4e-4d5f-8b6a-7c8d9e0f1a2b"
CLIENT = "3c9a7e10-5b2d-4f68-9e41-d0c7a8b6f512"
COMPANY = "Sandbox Organization"
POST = "POST /journals()/Microsoft.NAV.post"
USUAL: dict[str, Any] = {
    "default_balance_account": "",
    "vendor_numbers_once": False,
    "job_queue_seconds": 0.5,
    "answer_after": 0.0,
    "number_series": False,
    "manual_numbers": False,
    "posting_number_series": False,
    "post_with_job_queue": False,
    "exposes_batch_setup": False,
    "blocked_accounts": "",
    "blocked_at": "post",
    "mandatory_dimensions": "",
    "default_dimensions": "",
    "same_dimensions": "",
    "no_dimensions": "",
    "blocked_values": "",
    "posting_from": "",
    "posting_to": "",
    "enums": "encoded",
    "deep_insert": "refused",
    "page_size": 20000,
    "token_seconds": 3599.0,
    "application": "enabled",
    "secret_expired": False,
}
ON_POST = ("lost_answer", "error_after", "garbage", "cut_answer", "error_before", "reset_before",
           "redirect", "slow", "drip", "late_commit")  # fmt: skip


def start_business_central() -> SandboxProcess:
    """Start the sandbox with the login these tests use."""
    return start_sandbox("business-central", tenant=TENANT, client_id=CLIENT, client_secret=SECRET)


def settings_of(url: str, **changes: Any) -> BusinessCentralSettings:
    """Settings that fit the sandbox."""
    return BusinessCentralSettings.model_validate(
        {
            "baseUrl": f"{url}/v2.0",
            "loginUrl": url,
            "tenant": TENANT,
            "environment": "Production",
            "company": COMPANY,
            "clientId": CLIENT,
            "dimensions": {"costCentre": "AVDELING", "project": "PROSJEKT"},
            **changes,
        }
    )


def harness_of(sandbox: SandboxProcess, **changes: Any) -> Harness:
    """A harness over a sandbox that was emptied and set back."""
    sandbox.reset()
    sandbox.set(**USUAL)
    return Harness(
        connector=BusinessCentralConnector(),
        sandbox=sandbox,
        secrets={"client_secret": SECRET},
        settings=settings_of(sandbox.url, **changes),
        settings_for=lambda url: settings_of(url, **changes),
        write_path=("POST /journals", "POST /$batch", "PATCH", "DELETE", "POST /purchase"),
        post_path=POST,
        token_path="POST /oauth2/v2.0/token",
        left_behind=Staged,
        has_tokens=True,
        derived_secrets=[quote_plus(SECRET), b64encode(SECRET.encode()).decode()],
        # An answer without a body cannot be cut in half: the 504 of a gateway stands for it.
        # An answer without a body cannot be cut in half: the 504 of a gateway stands for it.
        faults={kind: {"on": "post"} for kind in ON_POST}
        | {kind: {"kind": "gateway_timeout", "on": "post"} for kind in ("cut_answer", "drip")},
    )


def several(harness: Harness, *changes: Mapping[str, Any]) -> Submission:
    """One submission of as many vouchers as there are changes, numbered from 1."""
    made = [replace(voucher(number), **change) for number, change in enumerate(changes, 1)]
    (submission,) = harness.connector.build(made, harness.settings)
    return submission


async def send_all(
    harness: Harness,
    session: Session[Any],
    submission: Submission,
    references: Sequence[str] | None = None,
    seconds: float = 30.0,
) -> list[Outcome]:
    """Send, or resume for some of the references, and return the outcomes in their order."""
    if references is not None:
        submission = replace(submission, references=tuple(references))
    permit = Permit(until=running_seconds() + seconds)
    outcomes = await harness.connector.send(submission, session, permit)
    assert set(outcomes) == set(submission.references)
    return [outcomes[reference] for reference in submission.references]


def posted(harness: Harness) -> list[str]:
    """The references that stand in the ledger, in the order they were posted."""
    return [entry["reference"] for entry in harness.sandbox.ledger()["entries"]]


def our_journals(harness: Harness) -> list[str]:
    """The codes of the journals that we left behind."""
    codes = [journal["code"] for journal in harness.sandbox.journals()["journals"]]
    return [code for code in codes if code.startswith("BG")]


def staged(harness: Harness) -> list[str]:
    """The document numbers that stand in journals, blank lines left out."""
    journals = harness.sandbox.journals()["journals"]
    return [
        line["documentNumber"]
        for journal in journals
        for line in journal["lines"]
        if line["accountNumber"]
    ]
