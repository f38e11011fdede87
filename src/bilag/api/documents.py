"""What the OpenAPI document says beyond the operations' own signatures.

`BilagApi` completes the framework's document: problem details, scopes, Idempotency-Key.
"""

from itertools import chain
from typing import Any

from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from pydantic.json_schema import models_json_schema

from bilag.api.answers import ProblemDetails
from bilag.api.auth import ORGANIZATION_HEADER, ApiToken
from bilag.api.once import KEY_LENGTH_MAX, KEY_PATTERN
from bilag.api.problems import MEDIA_TYPE, response_of
from bilag.api.record_model import EXAMPLE, ApprovedRecord, WithdrawnRecord
from bilag.core.problem import Refused
from bilag.tenants.idempotency import KEPT_DAYS

_REF = "#/components/schemas/{model}"

Errors = dict[int, type[ProblemDetails]]

# What any operation may answer, and what those may that change something or take a body.
READ_ERRORS: Errors = dict.fromkeys((400, 401, 403, 404, 422, 429, 500, 503), ProblemDetails)
WRITE_ERRORS: Errors = READ_ERRORS | dict.fromkeys((409, 411, 413, 415), ProblemDetails)

CALLBACK_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "content": {"application/json": {"schema": {"type": "object"}}},
        "required": True,
    },
    "parameters": [
        {"in": "header", "name": name, "required": True, "schema": {"type": "string"},
         "description": description}
        for name, description in (
            ("webhook-id", "The message's own id; each is taken once."),
            ("webhook-timestamp", "Seconds since 1970, at most five minutes from our clock."),
            ("webhook-signature", "v1, and base64 of HMAC-SHA256 over id.timestamp.body."),
        )
    ],
}  # fmt: skip

_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": KEY_LENGTH_MAX, "pattern": KEY_PATTERN},
    "description": f"The same key with the same request: the same answer, for {KEPT_DAYS} days.",
}


def record_body() -> dict[str, Any]:
    """Return the request body of a record, alone or as a line; the schemas are components."""
    record = {"anyOf": [{"$ref": _REF.format(model=m.__name__)} for m in _RECORD_MODELS]}
    lines = {"type": "string", "description": "One record a line, each as in application/json."}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": record, "example": EXAMPLE},
                "application/x-ndjson": {"schema": lines},
            },
        }
    }


_PERSON = "SignedToken"
_PERSON_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": (
        "A person, by the signed token of an issuer that the operator trusts; the role among our"
        f" members gives the scopes. Who has several organizations names one in"
        f" {ORGANIZATION_HEADER}."
    ),
}
_RECORD_MODELS = (ApprovedRecord, WithdrawnRecord)


class BilagApi(NinjaAPI):
    """The API whose refusals are problem details, and whose OpenAPI document says so."""

    def set_default_exception_handlers(self) -> None:
        """Answer whatever an operation raises through `response_of`."""
        self.add_exception_handler(Exception, response_of)

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        """Keep what a model of ours refuses as it is; the framework leaves only its text."""
        found = super().validation_error_from_error_contexts(error_contexts)
        faults = (c.pydantic_validation_error.errors(include_url=False) for c in error_contexts)
        for told, fault in zip(found.errors, chain.from_iterable(faults), strict=True):
            if isinstance(error := fault.get("ctx", {}).get("error"), Refused):
                told["ctx"]["error"] = error
        return found

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the OpenAPI 3.1 document of the operations that are there, made once."""
        if self._document is None:
            self._document = self._make_document(path_prefix, path_params)
        return self._document

    _document: OpenAPISchema | None = None

    def _make_document(
        self, path_prefix: str | None, path_params: dict[str, Any] | None
    ) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        _, records = models_json_schema(
            [(model, "validation") for model in _RECORD_MODELS], ref_template=_REF
        )
        document["components"]["schemas"].update(records["$defs"])
        scopes = self._scopes()
        document["components"]["securitySchemes"][_PERSON] = _PERSON_SCHEME
        for operations in document["paths"].values():
            for method, operation in operations.items():
                _complete(method, operation, scopes[operation["operationId"]])
        return document

    def _scopes(self) -> dict[str, str]:
        return {
            self.get_openapi_operation_id(operation): token.scope
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
            for token in operation.auth_callbacks
            if isinstance(token, ApiToken)
        }

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the function that answers, which is unique here."""
        return str(operation.view_func.__name__)


def _complete(method: str, operation: dict[str, Any], scope: str) -> None:
    operation["security"] = [{ApiToken.__name__: [scope]}, {_PERSON: [scope]}]
    for status, response in operation["responses"].items():
        if status >= 400:
            response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
    if method == "post":
        operation["parameters"].append(_IDEMPOTENCY_KEY)
