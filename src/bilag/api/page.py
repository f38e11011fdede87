"""The page of the API: its reference, made from the OpenAPI document.

Plain HTML without scripts, readable with any screen reader; nothing is loaded from any other host.
"""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

# A page has one style element and nothing else that a browser could fetch or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class ReferencePage(DocsBase):
    """Renders /api/v1/docs."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Return the page, which is made once."""
        if not self._page:
            self._page = self._make_page(api, self.get_openapi_url(api, kwargs))
        return HttpResponse(self._page, headers={"Content-Security-Policy": _POLICY})

    _page = ""

    def _make_page(self, api: NinjaAPI, document_url: str) -> str:
        document = api.get_openapi_schema()
        return render_to_string(
            "bilag_api/reference.html",
            {
                "info": document["info"],
                "document_url": document_url,
                "operations": [
                    _operation(path, method, operation)
                    for path, operations in document["paths"].items()
                    for method, operation in operations.items()
                ],
                "schemas": [
                    _schema(name, schema)
                    for name, schema in sorted(document["components"]["schemas"].items())
                ],
            },
        )


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    return {
        "path": path,
        "method": method.upper(),
        "id": operation["operationId"],
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "scope": next(iter(operation["security"][0].values()))[0],
        "parameters": [
            {
                "name": parameter["name"],
                "place": parameter["in"],
                "required": parameter["required"],
                "parts": _parts(parameter["schema"]),
                "description": parameter.get("description", ""),
            }
            for parameter in operation["parameters"]
        ],
        "bodies": [
            {
                "type": media_type,
                "parts": _parts(body["schema"]),
                "example": json.dumps(body["example"], indent=2) if "example" in body else "",
            }
            for media_type, body in content.items()
        ],
        "responses": [
            {
                "status": status,
                "description": response["description"],
                "parts": [
                    part
                    for body in response.get("content", {}).values()
                    for part in _parts(body["schema"])
                ],
            }
            for status, response in sorted(operation["responses"].items())
            if status < 400
        ],
        "refusals": [status for status in sorted(operation["responses"]) if status >= 400],
    }


def _schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "description": schema.get("description", ""),
        "fields": [
            {
                "name": field,
                "parts": _parts(details),
                "required": field in schema.get("required", ()),
                "description": details.get("description", ""),
            }
            for field, details in schema.get("properties", {}).items()
        ],
    }


def _parts(schema: dict[str, Any]) -> list[dict[str, str]]:
    """Return a type as words, of which those with a `link` name another schema of the page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [{"text": name, "link": name}]
    for key in ("anyOf", "allOf"):
        if key in schema:
            options = [option for option in schema[key] if option != {"type": "null"}]
            parts = _parts(options[0])
            for option in options[1:]:
                parts = [*parts, {"text": " or "}, *_parts(option)]
            return parts
    if "enum" in schema:
        shown = ", ".join(map(str, schema["enum"][:12]))
        return [{"text": f"one of {shown}{', …' if len(schema['enum']) > 12 else ''}"}]
    if "const" in schema:
        return [{"text": str(schema["const"])}]
    if schema.get("type") == "array":
        return [{"text": "list of "}, *_parts(schema["items"])]
    words = [schema.get("format") or schema.get("type", "any")]
    if "maxLength" in schema:
        words.append(f"at most {schema['maxLength']} characters")
    return [{"text": ", ".join(words)}]
