"""How the Business Central sandbox behaves; each option is a flag of its command line.

What customers set up differently, and what Microsoft's documents leave open, is a switch here.
"""

from dataclasses import dataclass, field
from typing import Any


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(slots=True)
class Options:
    """Login, company, journal set-up, posting rules, limits, and what the documents leave open."""

    # dynamics.md §1.1, §1.2: where it is, and who may come in
    tenant: str = _option("6f1d2c3b-0a4e-4d5f-8b6a-7c8d9e0f1a2b", "tenant in every address")
    environment: str = _option("Production", "environment in the address of the API")
    client_id: str = _option("3c9a7e10-5b2d-4f68-9e41-d0c7a8b6f512", "the registered application")
    client_secret: str = _option("sandbox-client-secret", "its secret")
    certificate: str = _option("", "PEM file of the certificate that signs client assertions")
    scope: str = _option("https://api.businesscentral.dynamics.com/.default", "scope of a token")
    token_seconds: float = _option(3599.0, "life of a token")
    secret_expired: bool = _option(False, "the secret has expired (AADSTS7000222)")
    application: str = _option(
        "enabled", "page Microsoft Entra applications: enabled, disabled or no_permission"
    )
    company_id: str = _option("a1b2c3d4-1111-4222-8333-444455556666", "id of the company")
    company_name: str = _option("Sandbox Organization", "name of the company")

    # dynamics.md §1.3, §1.4, §6.3: set-up of journal templates and batches
    default_balance_account: str = _option("", "G/L account that balances lines of new journals")
    ignores_balancing_account: bool = _option(False, "the old fault: balancing account is dropped")
    number_series: bool = _option(False, "journals have a No. Series")
    manual_numbers: bool = _option(False, "that No. Series allows manual numbers")
    posting_number_series: bool = _option(False, "posting replaces document numbers")
    increment_batch_name: bool = _option(False, "posting renames a journal ending in a digit")
    copy_vat: bool = _option(False, "journals have Copy VAT Setup to Jnl. Lines")
    force_document_balance: bool = _option(False, "every document must balance by itself")
    post_with_job_queue: bool = _option(False, "posting only schedules; still answers 204")
    job_queue_seconds: float = _option(0.5, "until a scheduled posting is done")
    exposes_batch_setup: bool = _option(False, "a partner's page shows the set-up of journals")

    # dynamics.md §4: what posting refuses; entries are separated by commas
    blocked_accounts: str = _option("", "G/L accounts that are blocked, as 7140,7350")
    blocked_at: str = _option("post", "when a blocked account is refused: line or post")
    mandatory_dimensions: str = _option("", "as 7140:AVDELING")
    default_dimensions: str = _option("", "set when a line is made, as 7140:AVDELING=200")
    same_dimensions: str = _option("", "value that must be used, as 7140:AVDELING=200")
    no_dimensions: str = _option("", "dimension that must be blank, as 2990:AVDELING")
    blocked_values: str = _option("", "dimension values that are blocked, as AVDELING=300")
    posting_from: str = _option("", "first allowed posting date, as 2026-01-01")
    posting_to: str = _option("", "last allowed posting date")
    vendor_numbers_once: bool = _option(
        False, "a vendor's external document number is refused the second time, in journals too"
    )

    # what dynamics.md marks UNKNOWN or INFERRED
    deep_insert: str = _option("refused", "dimensionSetLines in a line: on, refused or ignored")
    batch_references: bool = _option(False, "$id in a $batch address means the entity made there")
    enums: str = _option("encoded", "in answers: encoded (G_x002F_L_x0020_Account) or plain")
    language: str = _option("nb-NO", "of messages to who sends no Accept-Language")
    too_many_retry_after: str = _option("", "Retry-After of 429, which nobody promises")
    replica_seconds: float = _option(60.0, "how old `Data-Access-Intent: ReadOnly` answers are")

    # dynamics.md §1.8: limits of each user
    concurrent_max: int = _option(5, "requests at work; more wait")
    connections_max: int = _option(100, "requests at work and waiting; more are answered 429")
    queue_seconds: float = _option(480.0, "longest wait, then 503")
    rate_requests: int = _option(6000, "requests in the sliding window; more are answered 429")
    rate_seconds: float = _option(300.0, "length of that window")
    page_size: int = _option(20000, "most entities in an answer")
    answer_after: float = _option(0.0, "seconds that each request takes at least")

    def set(self, changes: dict[str, Any]) -> None:
        """Change options by their names; raises ValueError for an unknown name or wrong type."""
        for name, value in changes.items():
            before = getattr(self, name, None)
            if before is None or callable(before):
                raise ValueError(f"there is no option {name!r}")
            if not isinstance(value, type(before)) and not (
                isinstance(before, float) and type(value) is int
            ):
                raise ValueError(f"{name} is a {type(before).__name__}")
            setattr(self, name, type(before)(value))
