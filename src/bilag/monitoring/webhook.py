"""An alert to the organization's webhook, signed (Standard Webhooks), to allowed targets (X4).

webhook-signature is v1, and base64 of HMAC-SHA256 over id.timestamp.body, with the key behind the
prefix whsec_.
"""

import base64
import hmac
import ipaddress
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from bilag.connectors.http import ExchangeError, HttpClient
from bilag.core.clock import utc_now
from bilag.monitoring.alerts import Alert

# Failure policy: an answer that takes longer counts as none; the notice is tried again later.
TIMEOUT_SECONDS = 15.0
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, signed with what, and into which networks besides public ones it may go."""

    url: str
    secret: str = field(repr=False)
    allowed_networks: tuple[str, ...] = ()
    organization: str = ""


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of webhook-signature; raises ValueError for a secret that is not base64."""
    key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


async def send_webhook(target: Target, message_id: UUID, alert: Alert, language: str) -> str:
    """Post one alert; returns why it was not taken, in words without the secret, or nothing.

    A redirect is not followed and counts as not taken; 2xx is taken.
    """
    if not target.url or not target.secret:
        return "the webhook has no address, or no secret to sign with"
    body = orjson.dumps(
        {
            "type": "alert.opened",
            "timestamp": alert.told_at,
            "data": {
                "id": alert.id,
                "organization": target.organization,
                "rule": alert.rule,
                "integration": alert.integration_key,
                "openedAt": alert.opened_at,
                "language": language,
                "message": alert.text(language),
                "nextStep": alert.next_step(language),
            },
        }
    )
    timestamp = int(utc_now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(message_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(target.secret, str(message_id), timestamp, body),
    }
    networks = [ipaddress.ip_network(one) for one in target.allowed_networks]
    try:
        async with HttpClient(allowed=networks, timeout_seconds=TIMEOUT_SECONDS) as client:
            answer = await client.request("POST", target.url, body=body, headers=headers)
    except ExchangeError as error:
        return f"{type(error).__name__}: {error}"
    return "" if 200 <= answer.status < 300 else f"answered {answer.status}"
