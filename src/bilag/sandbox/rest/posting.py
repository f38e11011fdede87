"""Takes vouchers into the sandbox's ledger: login, idempotency, duplicates, validation.

Knows nothing of faults; what it returns is what an undisturbed system would answer.
"""

import hashlib
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from bilag.sandbox.ledger import Entry, Ledger
from bilag.sandbox.rest.books import Books, Refusal
from bilag.sandbox.rest.login import Logins
from bilag.sandbox.rest.options import Options

IDEMPOTENCY_HEADER = "Idempotency-Key"
_SHOWN = ("id", "reference", "voucherNumber", "postingDate", "currency", "amount", "sourceId")


class Posting:
    """The system behind the addresses: options, logins, books, ledger, remembered keys."""

    def __init__(self, options: Options, ledger: Ledger) -> None:
        self.options = options
        self.ledger = ledger
        self.logins = Logins(options)
        self.books = Books()
        self._kept: dict[str, tuple[bytes, int, bytes]] = {}

    def forget_keys(self) -> None:
        """Forget all idempotency keys."""
        self._kept.clear()

    def post(self, request: web.Request, body: bytes, reference: str = "") -> web.Response:
        """Post one voucher, or say why not; `reference` is the one in the address of a PUT."""
        if not self.logins.accepts(request.headers, body):
            return unauthorized()
        key = request.headers.get(IDEMPOTENCY_HEADER, "")
        if key and self.options.idempotency != "off":
            kept = self._kept.get(key)
            if kept is not None:
                return self._again(kept, body)
        answer = self._post(body, key, reference)
        keeps = self.options.idempotency == "all" or (
            self.options.idempotency == "posted" and answer.status < 300
        )
        if key and keeps:
            content = answer.body
            if isinstance(content, bytes):
                self._kept[key] = (hashlib.sha256(body).digest(), answer.status, content)
        return answer

    def _again(self, kept: tuple[bytes, int, bytes], body: bytes) -> web.Response:
        digest, status, answer = kept
        if digest != hashlib.sha256(body).digest():
            return refused(
                422, [Refusal("key_reused", "The idempotency key was used for another voucher")]
            )
        return web.Response(status=status, body=answer, content_type="application/json")

    def _post(self, body: bytes, key: str, reference: str) -> web.Response:
        read = self.books.read(body)
        if isinstance(read, list):
            return refused(422, read)
        voucher, amount = read
        if reference:
            if voucher["reference"] != reference:
                return refused(422, [Refusal("invalid_reference", "Not as in URL", "reference")])
            if known := self.ledger.find(reference):
                return answered(200, self.shown(known[0]))
        if self.options.unique_references and self.ledger.find(voucher["reference"]):
            return refused(
                409, [Refusal("duplicate", "This reference is posted already", "reference")]
            )
        if self.options.unique_voucher_numbers and self.ledger.has_voucher_number(
            voucher["voucherNumber"]
        ):
            return refused(
                422,
                [Refusal("number_taken", "This voucher number is taken", "voucherNumber")],
            )
        entry: Entry = {
            **voucher,
            "id": f"V-{len(self.ledger) + 1:06d}",
            "amount": f"{amount:f}",
            "receivedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "bookedFrom": time.time() + self.options.books_after,
        }
        if key:
            entry["idempotencyKey"] = key
        self.ledger.add(entry)
        return answered(202 if self.options.books_after else 201, self.shown(entry))

    def shown(self, entry: Entry, *, whole: bool = False) -> dict[str, Any]:
        """Return an entry as the API shows it; `whole` with its lines and what reversed it."""
        names = (*_SHOWN, "lines", "reversedBy") if whole else _SHOWN
        shown = {name: entry[name] for name in names if name in entry}
        shown["status"] = "posted" if entry["bookedFrom"] <= time.time() else "queued"
        return shown


def answered(status: int, document: object) -> web.Response:
    """Return a JSON answer."""
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")


def refused(status: int, refusals: list[Refusal]) -> web.Response:
    """Return a refusal: the first error apart, and all of them."""
    errors = [asdict(refusal) for refusal in refusals]
    return answered(status, {"error": errors[0], "errors": errors})


def unauthorized() -> web.Response:
    """Return 401 without saying which part of the login is wrong."""
    return refused(401, [Refusal("unauthorized", "Missing, wrong or expired login")])
