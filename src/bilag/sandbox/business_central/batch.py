"""`$batch`: up to 100 operations in the order they are listed, as JSON or as multipart.

Stops at the first error unless told otherwise; under `Isolation: snapshot` everything is then
taken back, though the answers of what went before still say 201 (dynamics.md §0.6, §1.7).
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from multidict import CIMultiDict

from bilag.sandbox.business_central.api import execute
from bilag.sandbox.business_central.books import Books
from bilag.sandbox.business_central.calls import Answer, Call, read_call
from bilag.sandbox.business_central.refusals import Refused, as_json, bad_request
from bilag.sandbox.business_central.values import parse, written

OPERATIONS_MAX = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """The operations of one `$batch` request, read but not carried out."""

    calls: list[tuple[str, Call | Refused]]
    isolated: bool
    goes_on: bool
    headers: Mapping[str, str]
    made: dict[str, str] = field(default_factory=dict)


def read_batch(
    body: bytes, headers: Mapping[str, str], base: str, path: str, *, references: bool
) -> Batch:
    """Return the operations; raises Refused for a body that is none, or has too many of them."""
    document = parse(body)
    requests = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(requests, list) or not all(isinstance(one, dict) for one in requests):
        raise bad_request("The $batch request body must have a 'requests' array.")
    if len(requests) > OPERATIONS_MAX:
        # dynamics.md §1.7, §1.8
        raise Refused(
            400,
            "Unknown",
            "The current batch message contains too many parts. A maximum number of "
            f"'{OPERATIONS_MAX}' query operations and change sets are allowed in a batch message.",
        )
    ids = [one.get("id") for one in requests]
    if not all(isinstance(one, str) and one for one in ids) or len(set(ids)) < len(ids):
        raise bad_request("Each request of a $batch needs an id of its own.")
    outer = {name: headers[name] for name in ("Accept-Language", "Company", "CompanyId")
             if name in headers}  # fmt: skip
    calls: list[tuple[str, Call | Refused]] = []
    for one in requests:
        try:
            calls.append((str(one["id"]), _inner(one, outer, base, path, references=references)))
        except Refused as refused:
            calls.append((str(one["id"]), refused))
    return Batch(
        calls,
        headers.get("Isolation", "").lower() == "snapshot",
        "odata.continue-on-error" in headers.get("Prefer", ""),
        headers,
    )


def _inner(
    one: dict[str, Any], outer: dict[str, str], base: str, path: str, *, references: bool
) -> Call:
    given = one.get("headers")
    inner: CIMultiDict[str] = CIMultiDict(outer)
    if isinstance(given, dict):
        inner.update({str(name): str(value) for name, value in given.items()})
    url = str(one.get("url", "")).removeprefix(base).removeprefix(path)
    if url.startswith("$") and not references:
        # dynamics.md §1.5: whether `$id` names an earlier result is UNKNOWN.
        raise bad_request(f"The URL '{url}' of a batch request cannot be resolved.")
    method = str(one.get("method", "")).upper()
    return read_call(method, url, inner, one.get("body", {}), base)


def run(
    books: Books, batch: Batch, strike: Callable[[Call], Refused | None], base: str
) -> list[dict[str, Any]]:
    """Carry the operations out and return their answers; none for those after a stop (§1.7)."""
    answers: list[dict[str, Any]] = []
    start = books.undo.mark()
    failed = False
    for key, call in batch.calls:
        mark = books.undo.mark()
        try:
            if isinstance(call, Refused):
                raise call
            if refused := strike(call):
                raise refused
            answer = _execute(books, batch, call, base)
        except Refused as refused:
            failed = True
            books.undo.back(mark)
            answers.append(_refused(key, refused, batch.headers))
            if not batch.goes_on:
                break
        else:
            if answer.location:
                batch.made[key] = answer.location
            answers.append(_taken(key, answer, base))
        if not batch.isolated:
            books.undo.commit()
    if failed and batch.isolated:
        books.undo.back(start)
    books.undo.commit()
    return answers


def _execute(books: Books, batch: Batch, call: Call, base: str) -> Answer:
    first = call.pattern.split("/")[0]
    if first.startswith("$"):
        location = batch.made.get(first[1:])
        if location is None:
            raise bad_request(f"The URL '{first}' of a batch request cannot be resolved.")
        address = call.url.removeprefix(base).replace(first, location, 1)
        call = read_call(call.method, address, call.headers, call.body, base)
    return execute(books, call)


def _taken(key: str, answer: Answer, base: str) -> dict[str, Any]:
    taken: dict[str, Any] = {"id": key, "status": answer.status, "headers": {}}
    if answer.location:
        taken["headers"]["location"] = base + answer.location
    if answer.document is not None:
        taken["headers"]["content-type"] = "application/json; odata.metadata=minimal"
        taken["body"] = answer.document
    return taken


def _refused(key: str, refused: Refused, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": key,
        "status": refused.status,
        "headers": {"content-type": "application/json; odata.metadata=minimal"},
        "body": as_json(refused, headers.get("Accept-Language", "")),
    }


def as_multipart(answers: list[dict[str, Any]]) -> tuple[str, bytes]:
    """Return content type and body for who did not ask for JSON (§1.7)."""
    boundary = f"batchresponse_{uuid.uuid4()}"
    parts = []
    for answer in answers:
        status = answer["status"]
        heads = "".join(f"{name}: {value}\r\n" for name, value in answer["headers"].items())
        body = written(answer["body"]).decode() if "body" in answer else ""
        parts.append(
            f"--{boundary}\r\nContent-Type: application/http\r\n"
            f"Content-Transfer-Encoding: binary\r\n\r\n"
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{heads}\r\n{body}\r\n"
        )
    return f"multipart/mixed; boundary={boundary}", "".join(
        [*parts, f"--{boundary}--\r\n"]
    ).encode()
