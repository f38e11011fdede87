"""The accounting system's signed status callback: proven, fresh, once, and then only a hint.

Signed as Standard Webhooks say: base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`.
"""

import base64
import hashlib
import hmac
import re
import time

from django.http import HttpRequest

from bilag.api.auth import caller_of
from bilag.api.problems import ApiProblem
from bilag.core.problem import Problem, Refused
from bilag.delivery.installation import installation, tenant
from bilag.delivery.queue import defer_sync
from bilag.exports.hurry import look_up_sooner
from bilag.exports.status import export_by_id
from bilag.integrations.callback_secret import callback_key
from bilag.integrations.store import get_integration
from bilag.integrations.vault import CALLBACK_CREDENTIAL, read_credentials
from bilag.tenants.idempotency import first_seen

WINDOW_MINUTES = 5

_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,255}")


def take_callback(request: HttpRequest, export_id: int) -> None:
    """Make the export due for look-up and wake its integration; no state is set by what is said.

    Raises ApiProblem: 404 for an unknown export, 403 without a secret, with a wrong signature or
    outside five minutes, 409 for a message that was received before.
    """
    caller, body = caller_of(request), request.body
    organization = caller.organization_id
    with tenant(organization) as connection:
        row = export_by_id(connection, export_id)
        integration = row and get_integration(connection, organization, row.integration_key)
        if not integration:
            raise ApiProblem(404, Problem("resource_unknown"))
        secrets = read_credentials(connection, installation().vault, organization, integration.id)
        message_id = _verified(request, body, secrets.get(CALLBACK_CREDENTIAL, ""))
        key = f"callback:{integration.id}:{hashlib.sha256(message_id.encode()).hexdigest()}"
        if not first_seen(connection, organization, key, hashlib.sha256(body).digest()):
            raise ApiProblem(409, Problem("callback_replayed"))
        hurried = look_up_sooner(connection, export_id=export_id)
    if hurried:
        defer_sync(
            installation().queue, organization, integration.id,
            trigger="callback", actor=caller.actor,
        )  # fmt: skip


def _verified(request: HttpRequest, body: bytes, secret: str) -> str:
    """Return the message's id once signature and time are proven; raises ApiProblem (403)."""
    try:
        key = callback_key(secret)
    except Refused:
        raise ApiProblem(403, Problem("callback_not_configured")) from None
    message_id = request.headers.get("webhook-id", "")
    timestamp = request.headers.get("webhook-timestamp", "")
    content = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, content, "sha256"))
    # Several signatures may be given, so that a secret can be changed; each has its version.
    given = request.headers.get("webhook-signature", "").split(" ")
    # A list, not a generator: the time taken does not tell which one matched.
    matches = [hmac.compare_digest(f"v1,{expected.decode()}".encode(), s.encode()) for s in given]
    if not any(matches) or not _MESSAGE_ID.fullmatch(message_id):
        raise ApiProblem(403, Problem("callback_signature_not_valid"))
    seconds = int(timestamp) if re.fullmatch(r"[0-9]{1,12}", timestamp) else 0
    if abs(time.time() - seconds) > WINDOW_MINUTES * 60:
        params = {"minutes": str(WINDOW_MINUTES)}
        raise ApiProblem(403, Problem("callback_too_old", params=params))
    return message_id
