"""The settings of an Xledger integration, with titles and descriptions for a form.

Where Xledger documents nothing public the description says so, and the default is the safe one.
Secrets (`api_token`, `client_secret`) are not among them; they live in the vault.
"""

from string import Formatter
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from bilag.connectors.form import in_form
from bilag.connectors.xledger.look_up_settings import Code, LookUp, Section

ENDPOINTS = {
    "production": "https://www.xledger.net/graphql",
    "demo": "https://demo.xledger.net/graphql",
}
# Xledger's own limit on the nodes of one mass mutation.
NODES_MAX = 500
PLACEHOLDERS = "{reference}, {text}, {voucherText}, {number} and {sourceId}"
COST_CENTRE, PROJECT = "costCentre", "project"


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("an address looks like https://www.xledger.net/graphql")
    if parts.username or parts.password:
        raise ValueError("leave user name and password out of the address; they are secrets")
    if parts.query or parts.fragment:
        raise ValueError("leave out everything from ? or # on")
    return text


def _layout(text: str) -> str:
    try:
        found = [(name, spec, how) for _, name, spec, how in Formatter().parse(text) if name]
    except ValueError as error:
        raise ValueError("write {reference}, {text} ... with both braces") from error
    if "{}" in text or any(f"{{{n}}}" not in PLACEHOLDERS or s or h for n, s, h in found):
        raise ValueError(f"the placeholders are {PLACEHOLDERS}")
    return text


Address = Annotated[str, Field(max_length=500), AfterValidator(_address)]
SECRET_OF_KIND = {"api_token": "api_token", "oauth2_client_credentials": "client_secret"}
_OAUTH2 = ("oauth2_client_credentials",)


class Auth(Section):
    """How we log in; the secrets `api_token` and `client_secret` are entered apart."""

    kind: Literal["api_token", "oauth2_client_credentials"] = Field(
        "api_token",
        title="Login",
        description="An API token made in Xledger under System Access, GraphQL, API tokens."
        " OAuth2 client credentials are not documented by Xledger: only where you were told so.",
        json_schema_extra=in_form(
            first=True,
            secrets=SECRET_OF_KIND,
            labels={
                "api_token": "API token",
                "oauth2_client_credentials": "OAuth2 client credentials",
            },
        ),
    )
    token_url: Address | Literal[""] = Field(
        "",
        title="Token address",
        description="For OAuth2. Not documented by Xledger.",
        json_schema_extra=in_form(first=True, logins=_OAUTH2),
    )
    client_id: str = Field(
        "",
        title="Client id",
        description="For OAuth2.",
        json_schema_extra=in_form(first=True, logins=_OAUTH2),
    )
    scope: str = Field(
        "",
        title="Scope",
        description="For OAuth2; may stay empty.",
        json_schema_extra=in_form(logins=_OAUTH2),
    )
    scheme: Literal["Bearer", "token"] = Field(
        "Bearer",
        title="Word before an OAuth2 token",
        description="In the Authorization header. Not documented by Xledger.",
        json_schema_extra=in_form(logins=_OAUTH2),
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "oauth2_client_credentials" and not (self.token_url and self.client_id):
            raise ValueError("OAuth2 client credentials need a token address and a client id")
        return self


class Chosen(Section):
    """One thing of the tenant, by its code or by Xledger's own id; both empty: left out."""

    code: Code = Field("", title="Code")
    db_id: int | None = Field(None, title="dbId", description="Xledger's own id.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.code and self.db_id is not None:
            raise ValueError("give the code or the dbId, not both")
        return self


class JobLevel(Section):
    """The job level of what is imported; both empty: left out."""

    db_id: int | None = Field(None, title="dbId")
    db_sub_id: int | None = Field(None, title="dbSubId")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.db_id is not None and self.db_sub_id is not None:
            raise ValueError("give dbId or dbSubId, not both")
        return self


class Vouchers(Section):
    """How a voucher is written as GL import items, one for each line."""

    transaction_source: Code = Field(
        "GL",
        title="Transaction source",
        description="Its code. Xledger's example has GL; the code for expenses is not documented:"
        " read it off a posted expense voucher, or ask Xledger.",
    )
    job_level: JobLevel = Field(
        default_factory=JobLevel,
        title="Job level",
        description="What the values mean is not documented: ask Xledger which one books. Its"
        " example has dbSubId 1. Left out unless you say so.",
    )
    import_definition: Chosen = Field(
        default_factory=Chosen, title="Import definition", description="Each tenant has its own."
    )
    owner: Chosen = Field(
        default_factory=Chosen,
        title="Owner",
        description="The entity vouchers are created in. Empty: the one the token was made in.",
    )
    tr_reg_number: Literal["number", "year_and_number", "none"] = Field(
        "number",
        title="Registration number (trRegNumber)",
        description="Shared by the lines of a voucher, made of our voucher number, or of year and"
        " number (2026000017) where numbers start again each year. How large it may be, and"
        " whether Xledger refuses one that is taken, is not documented.",
        json_schema_extra=in_form(
            labels={
                "number": "Our voucher number",
                "year_and_number": "Year and number",
                "none": "None",
            }
        ),
    )
    amount_fields: Literal["both", "amount", "invoiceAmount"] = Field(
        "both",
        title="Amount fields",
        description="Xledger's example fills both. Amounts are written as text, debit positive.",
        json_schema_extra=in_form(labels={"both": "Both"}),
    )
    currency: bool = Field(
        False,
        title="Write the currency",
        description="Only where vouchers are in other currencies than the entity's.",
    )
    invoice_number: Literal["reference", "none"] = Field(
        "reference",
        title="Invoice number",
        description="Our reference once more, to be found by; or left out.",
        json_schema_extra=in_form(labels={"reference": "Our reference", "none": "None"}),
    )
    invoice_date: Literal["posting_date", "none"] = Field(
        "posting_date",
        title="Invoice date",
        json_schema_extra=in_form(labels={"posting_date": "The posting date", "none": "None"}),
    )
    text: Annotated[str, Field(max_length=200), AfterValidator(_layout)] = Field(
        "{reference} {text}",
        title="Text",
        description="Of a line, with {reference}, {text} (the line's, or else the voucher's),"
        " {voucherText}, {number}, {sourceId}. Posted entries may show nothing else to find our"
        " reference by.",
    )
    text_characters_max: int = Field(
        0,
        ge=0,
        le=4000,
        title="Longest text",
        description="A longer one is cut at its end; 0: never. Xledger's limit is not documented.",
    )
    vat: Literal["taxRule", "off"] = Field(
        "taxRule",
        title="VAT",
        description="The VAT code goes into taxRule, or none is taken.",
        json_schema_extra=in_form(labels={"taxRule": "In taxRule", "off": "No VAT"}),
    )
    subledger_accounts: tuple[Code, ...] = Field(
        (),
        title="Accounts with a subledger",
        description="Which lines carry the supplier or employee as subledger; empty: each line"
        " that has one.",
    )

    @model_validator(mode="after")
    def _certain(self) -> Self:
        if self.currency and self.amount_fields != "invoiceAmount":
            raise ValueError(
                "with a currency only invoiceAmount is right: amount is in the entity's currency"
            )
        layout = self.text.split("{reference}")[0]
        if self.text_characters_max and ("{reference}" not in self.text or "{" in layout):
            raise ValueError("where texts are cut, put {reference} before everything that varies")
        return self


class Dimensions(Section):
    """Which dimension takes what: `costCentre`, `project`, or an external field of the mapping."""

    gl_object1: Code = Field("", title="glObject1", description="Set up in each tenant its own way")
    gl_object2: Code = Field("", title="glObject2")
    gl_object3: Code = Field("", title="glObject3")
    gl_object4: Code = Field("", title="glObject4")
    gl_object5: Code = Field("", title="glObject5")
    project: Code = Field("", title="project", description="The field of that name.")
    xgl: Code = Field("", title="xgl", description="A predefined combination of dimensions.")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        used = [value for value in self.model_dump().values() if value]
        if twice := {name for name in used if used.count(name) > 1}:
            raise ValueError(f"two dimensions cannot both take {sorted(twice)}")
        return self


class Batches(Section):
    """Several vouchers in one call, where it is proven how the tenant treats a bad one."""

    documents_per_call: int = Field(1, ge=1, le=100, title="Vouchers in a call")
    batch_rule: Literal["unknown", "atomic", "per_document"] = Field(
        "unknown",
        title="When one is refused",
        description="atomic: the whole call is refused; per_document: the others are taken. Not"
        " documented by Xledger: prove it on the tenant before you send several in one call.",
        json_schema_extra=in_form(
            labels={
                "unknown": "Unknown",
                "atomic": "All are refused",
                "per_document": "The others are taken",
            }
        ),
    )

    @model_validator(mode="after")
    def _proven(self) -> Self:
        if self.documents_per_call > 1 and self.batch_rule == "unknown":
            raise ValueError(
                "several vouchers in a call need a batch rule that was proven on the tenant"
            )
        return self


class Pace(Section):
    """How fast Xledger is asked, everything counted."""

    burst_requests: int = Field(
        20, ge=1, le=1000, title="Requests", description="At most so many in the time below."
    )
    burst_seconds: float = Field(5.0, gt=0, le=60, title="Seconds")
    requests_in_flight_max: int = Field(
        2, ge=1, le=16, title="Requests at once", description="Xledger's limit is not documented."
    )
    request_timeout_seconds: float = Field(
        0.0,
        ge=0,
        le=300,
        title="Time for an answer",
        description="Shorter than the integration's own; 0: the integration's own.",
    )
    settle_seconds: float = Field(
        60.0,
        ge=0,
        le=86400,
        title="Settling time",
        description="How many seconds after a lost answer a voucher may still appear.",
    )


class MasterData(Section):
    """Which kinds of objects are read as master data."""

    cost_centre_kind: Annotated[str, Field(pattern=r"^\d{0,19}$")] = Field(
        "",
        title="Object kind of cost centres",
        description="Its dbId. Empty: the object kind that is called so.",
    )
    vat_kind: Annotated[str, Field(pattern=r"^\d{1,19}$")] = Field(
        "14", title="Object kind of VAT codes", description="Its dbId."
    )


class XledgerSettings(Section):
    """Everything about one Xledger tenant but its secrets."""

    model_config = ConfigDict(
        title="Xledger",
        json_schema_extra={
            "description": "Hands each voucher to the import of Xledger, and follows it until it is"
            " booked."
        },
    )

    environment: Literal["production", "demo"] = Field(
        "production",
        title="Environment",
        json_schema_extra=in_form(
            first=True, labels={"production": "Production", "demo": "Demo (for trying out)"}
        ),
    )
    endpoint: Address | Literal[""] = Field(
        "", title="Address", description="Only where it is another than the environment's."
    )
    auth: Auth = Field(default_factory=Auth, title="Login")
    entity: Code = Field(
        "",
        title="Expected entity",
        description="dbId or code of the company. Needed where the token reaches several.",
        json_schema_extra=in_form(first=True),
    )
    vouchers: Vouchers = Field(default_factory=Vouchers, title="Vouchers")
    dimensions: Dimensions = Field(default_factory=Dimensions, title="Dimensions")
    batches: Batches = Field(default_factory=Batches, title="Batches")
    look_up: LookUp = Field(default_factory=LookUp, title="Look-up")
    pace: Pace = Field(default_factory=Pace, title="Pace")
    master_data: MasterData = Field(default_factory=MasterData, title="Master data")

    @model_validator(mode="after")
    def _findable(self) -> Self:
        if self.look_up.posted_in == "transactions":
            if "{reference}" not in self.vouchers.text:
                raise ValueError("transactions are found by {reference} in the text of a line")
            if self.look_up.posted_search != "window":
                raise ValueError("transactions hold no extIdentifier to search by")
            if self.look_up.entry_lines:
                raise ValueError("the lines are read from journalEntries, not from transactions")
        return self

    @property
    def url(self) -> str:
        """Return the address of the GraphQL endpoint."""
        return self.endpoint or ENDPOINTS[self.environment]

    @property
    def slots(self) -> dict[str, str]:
        """Return field of an import item -> our name, for each dimension that takes something."""
        named = self.dimensions.model_dump(by_alias=True)
        return {theirs: ours for theirs, ours in named.items() if ours}
