"""Request bodies: taken whole before anything is done with them, bounded in bytes and lines.

A body is spooled to an unnamed temporary file above 1 MiB, so that a slow sender holds neither
memory nor a database connection.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest
from ninja.parser import Parser

from bilag.api.problems import ApiProblem
from bilag.core.problem import Problem
from bilag.records.json_text import parse_json

JSON = "application/json"
NDJSON = "application/x-ndjson"

_CHUNK = 64 * 1024
_IN_MEMORY_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """A complete body, to be read from the start; `sha256` is over all of it."""

    file: IO[bytes]
    lines: int
    sha256: bytes


def content_type(request: HttpRequest, *allowed: str) -> str:
    """Return which of the allowed content types the body has; raises ApiProblem (415)."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity" or (
        request.content_type not in allowed
    ):
        params = {"allowed": " / ".join(allowed)}
        raise ApiProblem(415, Problem("content_type_unknown", params=params))
    return str(request.content_type)


@contextmanager
def receive(request: HttpRequest, bytes_max: int) -> Iterator[Received]:
    """Read the whole body; raises ApiProblem when it is too large (413) or ended early (400)."""
    length = request.headers.get("Content-Length", "")
    announced = int(length) if length.isdecimal() else 0
    if announced > bytes_max:
        raise ApiProblem(413, Problem("body_too_large", params={"maximum": str(bytes_max)}))
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_MAX) as file:
        digest = hashlib.sha256()
        size = lines = 0
        while chunk := request.read(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            lines += chunk.count(b"\n")
        if size < announced:
            params = {"received": str(size), "announced": str(announced)}
            raise ApiProblem(400, Problem("body_incomplete", params=params))
        file.seek(0)
        yield Received(file, lines + 1, digest.digest())


class ExactJson(Parser):
    """The framework's body parser with our rules: exact numbers, no key twice, bounded depth."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the value of the body; raises BadJson, or ApiProblem for another content type."""
        content_type(request, JSON)
        return parse_json(request.body, bytes_max=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
