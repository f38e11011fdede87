"""How the REST sandbox behaves; each option is a flag of its command line.

What real systems do differently is a switch here, so that a connector is tried against each.
"""

from dataclasses import dataclass, field
from typing import Any


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(slots=True)
class Options:
    """Logins that are accepted, the company, and how the system treats repeats."""

    auth: str = _option(
        "api_key,basic,bearer,oauth2,hmac", "logins accepted, separated by commas; none: no login"
    )
    api_key: str = _option("sandbox-api-key", "sent in the header X-API-Key")
    username: str = _option("sandbox", "for basic login")
    password: str = _option("sandbox-password", "for basic login")
    bearer_token: str = _option("sandbox-bearer-token", "a token that never expires")
    client_id: str = _option("sandbox-client", "for OAuth2 client credentials")
    client_secret: str = _option("sandbox-client-secret", "for OAuth2 client credentials")
    hmac_key: str = _option("sandbox-hmac-key", "signs `timestamp.body` with SHA-256")
    token_seconds: float = _option(3600.0, "life of an OAuth2 token")
    company_id: str = _option("999999999", "id of the company")
    company_name: str = _option("Sandbox Organization", "name of the company")
    idempotency: str = _option(
        "off",
        "off: Idempotency-Key is ignored; posted: a posted key is answered again; "
        "all: a refusal is answered again too",
    )
    unique_references: bool = _option(False, "refuse a reference that is posted, with 409")
    unique_voucher_numbers: bool = _option(False, "refuse a voucher number that is taken")
    books_after: float = _option(0.0, "seconds until an accepted voucher is booked; answers 202")
    answer_after: float = _option(0.0, "seconds that each answer to a write takes")

    def set(self, changes: dict[str, Any]) -> None:
        """Change options by their names; raises ValueError for an unknown name or wrong type."""
        for name, value in changes.items():
            before = getattr(self, name, None)
            if before is None:
                raise ValueError(f"there is no option {name!r}")
            if not isinstance(value, type(before)) and not (
                isinstance(before, float) and type(value) is int
            ):
                raise ValueError(f"{name} is a {type(before).__name__}")
            setattr(self, name, type(before)(value))
