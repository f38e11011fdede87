"""The settings of a Generic REST integration, with titles and descriptions for a form.

Secrets are not among them: they are `secret_fields` of the connector and live in the vault.
"""

import re
from functools import cached_property
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from bilag.connectors.form import in_form
from bilag.connectors.rest.described import DescribedField
from bilag.connectors.rest.login_settings import Address, Auth, HeaderName, Section, header_name
from bilag.connectors.rest.pointer import PointerText

REFERENCE = "{reference}"
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "host", "content-length"}
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,1000}")


def _path(text: str) -> str:
    if urlsplit(text).scheme or text.startswith("//") or "#" in text or ".." in text.split("/"):
        raise ValueError("give only the part after the base address, for example /vouchers")
    if "{" in text.replace(REFERENCE, ""):
        raise ValueError("the only placeholder is {reference}")
    return "/" + text.lstrip("/") if text else text


def _fixed_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if header_name(name).lower() in _SECRET_HEADERS:
            raise ValueError(f"{name} is set by the login, not as a fixed header")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} holds a line break or a sign outside ASCII")
    return headers


Path = Annotated[str, Field(max_length=500), AfterValidator(_path)]
Status = Annotated[int, Field(ge=200, le=499)]


class Names(Section):
    """What the system calls our fields; a name that starts with / is a JSON pointer into the body.

    An empty name leaves the field out.
    """

    reference: str = Field("reference", title="Reference", min_length=1)
    voucher_number: str = Field("voucherNumber", title="Voucher number")
    posting_date: str = Field("postingDate", title="Posting date")
    text: str = Field("text", title="Text of the voucher")
    currency: str = Field("currency", title="Currency")
    category: str = Field("category", title="Category")
    source_id: str = Field("sourceId", title="Id of the claim")
    lines: str = Field("lines", title="Lines", min_length=1)
    account: str = Field("account", title="Ledger account", min_length=1)
    amount: str = Field("amount", title="Amount", min_length=1)
    line_text: str = Field("text", title="Text of a line")
    vat_code: str = Field("vatCode", title="VAT code")
    cost_centre: str = Field("costCentre", title="Cost centre")
    project: str = Field("project", title="Project")
    party: str = Field("party", title="Supplier or employee")

    @cached_property
    def nested(self) -> bool:
        """True when a name is a JSON pointer; worked out once, since every voucher asks."""
        return any(name.startswith("/") for name in self.model_dump().values())

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        line = ("account", "amount", "line_text", "vat_code", "cost_centre", "project", "party")
        named = self.model_dump()
        for group in (line, [name for name in named if name not in line]):
            used = [named[name] for name in group if named[name]]
            if twice := {name for name in used if used.count(name) > 1}:
                raise ValueError(f"two fields cannot both be called {sorted(twice)}")
        return self


class Body(Section):
    """How a voucher is written as JSON; what the mapping fills in is added by its own names."""

    amount_format: Literal["string", "number"] = Field(
        "string",
        title="Amounts",
        description='As text ("125.5") or as an exact number (125.5).',
        json_schema_extra=in_form(labels={"string": "As text", "number": "As a number"}),
    )
    names: Names = Field(
        default_factory=Names, title="Names", description="What the system calls our fields."
    )
    fields: tuple[DescribedField, ...] = Field(
        (),
        max_length=200,
        title="Known fields",
        description="What the system has besides, so that the field mapping can be checked.",
    )


class Booked(Section):
    """Tells a booked voucher from one that still waits in a queue of the system."""

    pointer: PointerText = Field(
        "", title="Booked field", description="Empty: what is accepted counts as booked at once."
    )
    equals: str = Field(
        "", title="Booked value", description="Its value once booked; empty: any value but null."
    )


class Success(Section):
    """What an answer has to look like before a voucher counts as accepted."""

    statuses: tuple[Status, ...] = Field(
        (200, 201, 202), min_length=1, title="Statuses", description="HTTP statuses of success."
    )
    answer: Literal["json", "empty"] = Field(
        "json",
        title="Answer",
        description="JSON, or nothing at all (HTTP 204).",
        json_schema_extra=in_form(labels={"json": "JSON", "empty": "Nothing"}),
    )
    pointer: PointerText = Field(
        "", title="Proof field", description="A field that has to be there; may stay empty."
    )
    equals: str = Field("", title="Proof value", description="The value the proof field must have.")
    external_reference: PointerText = Field(
        "/id", title="Their reference", description="Where the answer holds the system's own id."
    )
    voucher_number: PointerText = Field(
        "",
        title="Their voucher number",
        description="Where it holds the voucher number, if it does.",
    )
    booked: Booked = Field(default_factory=Booked, title="Booked")

    @model_validator(mode="after")
    def _provable(self) -> Self:
        if self.answer == "json" and not (self.pointer or self.external_reference):
            raise ValueError(
                "name a proof field or where their reference stands: a status alone"
                " proves nothing (a login page answers 200 too)"
            )
        return self


class Errors(Section):
    """What a refusal looks like, so that the field to mend can be named."""

    rejected_statuses: tuple[Annotated[int, Field(ge=400, le=499)], ...] = Field(
        (),
        title="Refusals",
        description="HTTP statuses that say: refused, nothing posted. Empty: every 4xx but 401,"
        " 403, 404, 405, 407, 408, 409, 425 and 429. Listed here: every other one is in doubt.",
    )
    message: tuple[PointerText, ...] = Field(
        (
            "/error/message",
            "/message",
            "/errors/0/message",
            "/detail",
            "/error_description",
            "/title",
            "/error",
        ),
        title="Message",
        description="Where the reason stands; the first that is there counts.",
    )
    field: tuple[PointerText, ...] = Field(
        ("/error/field", "/field", "/errors/0/field"),
        title="Field",
        description="Where the field's name stands, for example lines[1].costCentre.",
    )
    line: tuple[PointerText, ...] = Field(
        ("/error/line", "/line", "/errors/0/line"), title="Line", description="Where a line stands."
    )
    by_field: PointerText = Field(
        "/errors", title="Errors by field", description="An object with a message for each field."
    )
    lines_counted_from: Literal[0, 1] = Field(
        0, title="First line", description="How the system counts its first line."
    )
    sentences: tuple[Annotated[str, Field(max_length=200)], ...] = Field(
        ("Invalid {field} code: {value}", "Invalid {field}: {value}", "Unknown {field}: {value}"),
        max_length=20,
        title="Sentences",
        description="Messages that name a field, with {field}, {value} and {line} in their places.",
    )
    field_names: dict[str, str] = Field(
        default_factory=dict,
        title="Field names",
        description="Their names beside ours, where they differ from the names in the body.",
    )

    @model_validator(mode="after")
    def _certain(self) -> Self:
        for sentence in self.sentences:
            named = re.findall(r"\{.*?\}", sentence)
            if len(named) != len(set(named)) or not set(named) <= {"{field}", "{value}", "{line}"}:
                raise ValueError(
                    f"{sentence!r} may hold {{field}}, {{value}} and {{line}}, each of them once"
                )
        uncertain = sorted({401, 403, 408, 425, 429} & set(self.rejected_statuses))
        if uncertain:
            raise ValueError(f"{uncertain} never mean that a voucher was refused")
        return self


class LookUp(Section):
    """A search by our reference: what settles a lost answer without posting twice."""

    path: Path = Field(title="Path", description="For example /vouchers?reference={reference}.")
    found_statuses: tuple[Status, ...] = Field(
        (200,), min_length=1, title="Answered", description="Statuses of an answer with hits in it."
    )
    absent_statuses: tuple[Annotated[int, Field(ge=200, le=499)], ...] = Field(
        (), title="Not there", description="Statuses that say it does not exist, such as 404."
    )
    hits: PointerText = Field(
        "", title="Hits", description="Where the list of hits, or the one hit, stands."
    )
    reference: PointerText = Field(
        title="Our reference", min_length=1, description="Where a hit holds our reference."
    )
    external_reference: PointerText = Field(
        "/id", title="Their reference", min_length=1, description="Where a hit holds its own id."
    )
    voucher_number: PointerText = Field("", title="Their voucher number", description="In a hit.")
    amount: PointerText = Field("", title="Amount", description="In a hit; compared with ours.")
    lines: PointerText = Field(
        "", title="Lines", description="In a hit, under the names of the body; compared with ours."
    )
    reversed_by: PointerText = Field(
        "", title="Reversed by", description="Where a hit names the voucher that reversed it."
    )
    booked: Booked = Field(default_factory=Booked, title="Booked")

    @model_validator(mode="after")
    def _by_reference(self) -> Self:
        if REFERENCE not in self.path:
            raise ValueError("the path of the look-up has to hold {reference}")
        if {401, 403, 408, 425, 429} & set(self.absent_statuses):
            raise ValueError("401, 403, 408, 425 and 429 never mean that a voucher is absent")
        if set(self.found_statuses) & set(self.absent_statuses):
            raise ValueError("a status cannot mean both found and not there")
        return self


class Company(Section):
    """Which company's books the login reaches, so that nothing lands in the wrong ones."""

    path: Path = Field(title="Path", min_length=1, description="For example /company.")
    id: PointerText = Field("/id", title="Company id", min_length=1)
    name: PointerText = Field("/name", title="Company name")
    expected: str = Field("", title="Expected company", description="Its id; empty: any company.")


class RestSettings(Section):
    """Everything about one JSON API but its secrets."""

    model_config = ConfigDict(
        title="Another system with a REST API",
        json_schema_extra={
            "description": "Sends each voucher as JSON to a system without a connector of its own."
        },
    )

    base_url: Address = Field(
        title="Base address",
        description="https://api.example.com/v1",
        json_schema_extra=in_form(first=True),
    )
    method: Literal["POST", "PUT", "PATCH"] = Field("POST", title="Method")
    path: Path = Field(
        "/vouchers",
        title="Path",
        description="Where a voucher goes; may hold {reference}.",
        json_schema_extra=in_form(first=True),
    )
    headers: Annotated[dict[str, str], AfterValidator(_fixed_headers)] = Field(
        default_factory=dict,
        title="Fixed headers",
        description="Sent with each request; no secrets.",
    )
    auth: Auth = Field(default_factory=Auth, title="Login")
    idempotency_header: HeaderName | Literal[""] = Field(
        "",
        title="Idempotency header",
        description="Carries our reference, if the system takes one.",
    )
    honours_idempotency_key: bool = Field(
        False,
        title="Honours the key",
        description="The system posts a key once however often it is sent. Your word counts: a"
        " voucher without an answer is then sent again.",
    )
    conflict_means: Literal["unknown", "rejected", "accepted"] = Field(
        "unknown",
        title="HTTP 409 means",
        description="Accepted: it has this reference already.",
        json_schema_extra=in_form(
            labels={"unknown": "Unknown", "rejected": "Refused", "accepted": "Accepted"}
        ),
    )
    body: Body = Field(default_factory=Body, title="Body")
    success: Success = Field(default_factory=Success, title="Success")
    errors: Errors = Field(default_factory=Errors, title="Refusals")
    look_up: LookUp | None = Field(None, title="Look-up")
    company: Company | None = Field(None, title="Company")
    requests_in_flight_max: int = Field(
        16, ge=1, le=256, title="Requests at once", description="How many may wait for an answer."
    )
    settle_seconds: float = Field(
        5.0,
        ge=0,
        le=3600,
        title="Settling time",
        description="How many seconds after a lost answer a voucher may still appear.",
    )
    carries_currency: bool = Field(
        False, title="Foreign currency", description="The system takes vouchers in any currency."
    )

    @model_validator(mode="after")
    def _honest(self) -> Self:
        if self.honours_idempotency_key and not (
            self.idempotency_header or (self.method == "PUT" and REFERENCE in self.path)
        ):
            raise ValueError(
                "a key can be honoured only where it is sent: name the idempotency"
                " header, or use PUT with {reference} in the path"
            )
        if self.idempotency_header.lower() in _SECRET_HEADERS:
            raise ValueError(f"{self.idempotency_header} cannot carry an idempotency key")
        return self
