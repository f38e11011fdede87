"""A small stand-in for HashiCorp Vault's Transit engine, over real HTTP on 127.0.0.1.

Keys have versions; tokens, faults and slowness are set by the test.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class TransitServer(ThreadingHTTPServer):
    """The engine at `transit/` with one key `bilag`; `token` is the one that is let in."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = "hvs.canary-token-4711"
        self.versions = [AESGCM(secrets.token_bytes(32))]
        self.fault: tuple[int, str] | None = None
        self.delay_seconds = 0.0
        self.may_decrypt = True
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        """The address for VAULT_ADDR."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def rotate(self) -> None:
        """Give the key a new version; the former ones still open."""
        self.versions.append(AESGCM(secrets.token_bytes(32)))

    def encrypt(self, plaintext: str) -> dict[str, Any]:
        """Answer as `transit/encrypt/bilag`."""
        nonce = secrets.token_bytes(12)
        sealed = nonce + self.versions[-1].encrypt(nonce, base64.b64decode(plaintext), None)
        version = len(self.versions)
        text = f"vault:v{version}:{base64.b64encode(sealed).decode()}"
        return {"ciphertext": text, "key_version": version}

    def decrypt(self, ciphertext: str) -> dict[str, Any]:
        """Answer as `transit/decrypt/bilag`; raises InvalidTag for a changed text."""
        _, version, text = ciphertext.split(":")
        sealed = base64.b64decode(text)
        clear = self.versions[int(version[1:]) - 1].decrypt(sealed[:12], sealed[12:], None)
        return {"plaintext": base64.b64encode(clear).decode()}


class _Handler(BaseHTTPRequestHandler):
    server: TransitServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.server.seen.append(self.path)
        time.sleep(self.server.delay_seconds)
        status, answer = self._answer(body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.server.fault is not None:
            status, text = self.server.fault
            return status, {"errors": [text]}
        if self.headers.get("X-Vault-Token") != self.server.token:
            return 403, {"errors": ["permission denied"]}
        verb = self.path.removeprefix("/v1/transit/").removesuffix("/bilag")
        if verb == "encrypt":
            return 200, {"data": self.server.encrypt(body["plaintext"])}
        if verb not in ("decrypt", "rewrap") or not self.server.may_decrypt:
            return 403, {"errors": ["permission denied"]}
        try:
            opened = self.server.decrypt(body["ciphertext"])
        except (InvalidTag, ValueError, IndexError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        if verb == "rewrap":
            return 200, {"data": self.server.encrypt(opened["plaintext"])}
        return 200, {"data": opened}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def transit_server() -> Iterator[TransitServer]:
    """A running engine for the length of the block."""
    with TransitServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
