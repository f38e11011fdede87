"""The settings of a Business Central integration, with titles and descriptions for a form.

What is not publicly known of Business Central, or differs between companies, is a setting here.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from bilag.connectors.dynamics.section import Address, PathPiece, Section
from bilag.connectors.form import in_form

JOURNAL_PREFIX = "BG"
DOCUMENTS_MAX = 200


def _code(text: str) -> str:
    return text.strip().upper()


def _prefix(text: str) -> str:
    path = text.strip("/")
    if "//" in path or ".." in path.split("/") or any(sign in path for sign in "?#%\\ "):
        raise ValueError("give only the path, for example api/v2.0")
    return path


Code = Annotated[str, Field(max_length=20), AfterValidator(_code)]
SECRET_OF_AUTH = {
    "client_secret": "client_secret",
    "certificate": "private_key",
    "basic": "password",
}
_ENTRA = ("client_secret", "certificate")
PartyType = Literal["G/L Account", "Customer", "Vendor", "Bank Account", "Employee"]


class Dimensions(Section):
    """Which dimension of the company carries which of our fields; empty: it carries none."""

    cost_centre: Code = Field("", title="Cost centre", description="For example AVDELING.")
    project: Code = Field("", title="Project", description="For example PROSJEKT.")
    fields: dict[str, Code] = Field(
        default_factory=dict,
        title="Other fields",
        description="External field names of the mapping, each with its dimension code.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        used = [code for code in (self.cost_centre, self.project, *self.fields.values()) if code]
        if twice := {code for code in used if used.count(code) > 1}:
            raise ValueError(f"two fields cannot both fill the dimension {sorted(twice)}")
        return self


class BusinessCentralSettings(Section):
    """Everything about one company in Business Central but the secrets."""

    model_config = ConfigDict(
        title="Microsoft Dynamics 365 Business Central",
        json_schema_extra={
            "description": "Posts vouchers in a general journal of one company, or leaves them as"
            " drafts."
        },
    )

    base_url: Address = Field(
        "https://api.businesscentral.dynamics.com/v2.0",
        title="Base address",
        description="On your own server: https://host:7048/instance.",
    )
    tenant: PathPiece = Field(
        "",
        title="Tenant",
        description="Directory id or domain of the organization in Entra.",
        json_schema_extra=in_form(first=True),
    )
    environment: PathPiece = Field(
        "",
        title="Environment",
        description="For example Production; empty on your own server.",
        json_schema_extra=in_form(first=True),
    )
    api_prefix: Annotated[str, Field(max_length=100), AfterValidator(_prefix)] = Field(
        "api/v2.0", title="API path", description="Another one only for an API of your own."
    )
    company: str = Field(
        min_length=1,
        max_length=100,
        title="Company",
        description="Its name or id, as expected.",
        json_schema_extra=in_form(first=True),
    )
    auth: Literal["client_secret", "certificate", "basic"] = Field(
        "client_secret",
        title="Login",
        description="Certificate: private key and certificate in one PEM text. Basic: only on your"
        " own server, with a web service access key.",
        json_schema_extra=in_form(
            first=True,
            secrets=SECRET_OF_AUTH,
            labels={
                "client_secret": "Client secret",
                "certificate": "Certificate",
                "basic": "User name and access key",
            },
        ),
    )
    login_url: Address = Field(
        "https://login.microsoftonline.com",
        title="Login address",
        description="Of Entra.",
        json_schema_extra=in_form(logins=_ENTRA),
    )
    client_id: str = Field(
        "",
        max_length=100,
        title="Client id",
        description="Of the app in Entra.",
        json_schema_extra=in_form(first=True, logins=_ENTRA),
    )
    scope: str = Field(
        "https://api.businesscentral.dynamics.com/.default",
        max_length=300,
        title="Scope",
        description="Asked for with the token.",
        json_schema_extra=in_form(logins=_ENTRA),
    )
    username: str = Field(
        "",
        max_length=200,
        title="User name",
        description="For basic login.",
        json_schema_extra=in_form(first=True, logins=("basic",)),
    )
    mode: Literal["journal", "draft", "purchase_invoice"] = Field(
        "journal",
        title="What is made",
        description="Journal: posted at once. Draft: left in the journal for the accountant."
        " Purchase invoice: one for each voucher, on the vendor.",
        json_schema_extra=in_form(
            first=True,
            labels={
                "journal": "Journal, posted at once",
                "draft": "Draft in the journal",
                "purchase_invoice": "Purchase invoice",
            },
        ),
    )
    template: Annotated[str, Field(max_length=10), AfterValidator(_code)] = Field(
        "", title="Journal template", description="Empty: the first general journal template."
    )
    documents_per_journal: int = Field(
        50, ge=1, le=DOCUMENTS_MAX, title="Vouchers a journal", description="Posted together."
    )
    dimensions: Dimensions = Field(default_factory=Dimensions, title="Dimensions")
    party_account_type: PartyType = Field(
        "G/L Account",
        title="Supplier or employee",
        description="What a line with a supplier or employee is posted to; G/L Account: to the"
        " ledger account of the line.",
        json_schema_extra=in_form(
            labels={
                "G/L Account": "Ledger account",
                "Customer": "Customer",
                "Vendor": "Supplier",
                "Bank Account": "Bank account",
                "Employee": "Employee",
            }
        ),
    )
    currency: str = Field(
        "NOK",
        min_length=3,
        max_length=3,
        title="Currency",
        description="The company's own currency; journal lines carry no other.",
    )
    amount_decimals: int = Field(
        2, ge=0, le=4, title="Decimals", description="How exact the company books an amount."
    )
    sends_tax_code: bool = Field(
        False,
        title="VAT codes",
        description="Send the VAT code as taxCode. Only with a partner who has tried that VAT is"
        " booked right; without it vouchers are posted gross.",
    )
    posts_by_job_queue: bool = Field(
        False,
        title="Job queue",
        description="The company posts with the job queue (General Ledger Setup): what is taken"
        " is booked later.",
    )
    deep_insert: bool = Field(
        False,
        title="Lines with dimensions",
        description="Send dimensions together with the line. They are read back and mended anyway.",
    )
    batch_settings_path: Annotated[str, Field(max_length=200), AfterValidator(_prefix)] = Field(
        "",
        title="Journal settings",
        description="Path below the environment of an API of your own that lists journals with"
        " batchName, noSeries, postingNoSeries and postWithJobQueue; {company} is the company's"
        " id. Empty: not read.",
    )
    request_seconds: float | None = Field(
        None, ge=1, le=600, title="Time for a request", description="In seconds; empty: the run's."
    )
    post_seconds: float | None = Field(
        None, ge=1, le=600, title="Time for posting", description="In seconds; empty: the run's."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth == "basic":
            if not self.username:
                raise ValueError("user name and password: the user name is missing")
        elif not (self.tenant and self.client_id):
            raise ValueError("the login in Entra needs a tenant and a client id")
        if self.environment and not self.tenant:
            raise ValueError("an environment needs its tenant")
        if self.mode == "purchase_invoice" and self.party_account_type not in (
            "G/L Account",
            "Vendor",
        ):
            raise ValueError("a purchase invoice is made on a vendor")
        return self

    @property
    def service_root(self) -> str:
        """The address below which tenant, environment and their APIs stand."""
        if not self.environment:
            return self.base_url
        return f"{self.base_url}/{self.tenant}/{self.environment}"

    @property
    def api_root(self) -> str:
        """The address of the API; companies stand right below it."""
        return f"{self.service_root}/{self.api_prefix}"

    @property
    def token_url(self) -> str:
        """Where Entra gives access tokens."""
        return f"{self.login_url}/{self.tenant}/oauth2/v2.0/token"
