"""How the Xledger sandbox behaves; each option is a flag of its command line.

What is UNKNOWN of the real system is a switch here, so that a connector is tried against each.
"""

from dataclasses import dataclass, field, fields
from typing import Any


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


def _choice(choices: str, text: str) -> Any:
    """An option that is one of these words; the first is the default."""
    words = tuple(choices.split("|"))
    return field(default=words[0], metadata={"help": f"{choices}: {text}", "choices": words})


@dataclass(slots=True)
class Options:
    """Logins, company, the unknowns of importing and booking, and limits."""

    auth: str = _option("token,oauth2", "logins accepted; Xledger documents no oauth2")
    token: str = _option("sandbox-token", "sent as `Authorization: token ...`")
    client_id: str = _option("sandbox-client", "for OAuth2 client credentials")
    client_secret: str = _option("sandbox-client-secret", "for OAuth2 client credentials")
    token_seconds: float = _option(3600.0, "life of an OAuth2 token")
    read_only: bool = _option(False, "the login may read, not write")
    auth_status: int = _option(401, "HTTP status of a refused login")
    error_status: int = _option(200, "HTTP status of every other error, the limits' too")
    owner_db_id: int = _option(42365431, "dbId of the company")
    company_code: str = _option("100", "code of the company")
    company_number: str = _option("999999999", "organization number of the company")
    company_name: str = _option("Sandbox Organization", "name of the company")
    currency: str = _option("NOK", "currency of the company")
    gl_objects: str = _option("project,cost_centre", "what glObject1, glObject2 ... stand for")
    db_ids: str = _choice("text|number", "how a dbId is written in answers")

    validation: str = _choice("immediate|booking", "when an unknown code is refused")
    batch: str = _choice("atomic|per_document|per_line", "what one refused line takes with it")
    books_after: float = _option(0.0, "seconds until a staged document is validated and posted")
    job_level: int = _option(14502, "dbId of the jobLevel whose rows are booked; others stay")
    job_level_sub: int = _option(1, "dbSubId of that jobLevel")
    posted_rows: str = _choice("stay|vanish", "what becomes of posted rows of glImportItems")
    error_link: str = _choice("dbId|transactionDbId", "field of an error that names its row")
    filter_ext_identifier: bool = _option(False, "there are filters on extIdentifier")
    filter_invoice_number: bool = _option(False, "there are filters on invoiceNumber")
    remove_items: bool = _option(False, "there is a mutation removeGLImportItems")
    unique_tr_reg_numbers: bool = _option(False, "a repeated trRegNumber is refused at booking")
    keep_tr_reg_number: bool = _option(False, "trRegNumber becomes the voucher number")
    tr_reg_number_max: int = _option(2147483647, "greatest trRegNumber")

    burst_requests: int = _option(20, "requests allowed in burst_seconds")
    burst_seconds: float = _option(5.0, "see burst_requests")
    concurrency: int = _option(4, "requests allowed in flight; 0: any number")
    credits: int = _option(0, "requests allowed in credit_seconds; 0: any number")
    credit_seconds: float = _option(1200.0, "see credits")
    reset_at: str = _choice("local|utc", "how extensions.resetAt is written")
    answer_after: float = _option(0.0, "seconds that each answer takes")

    def __post_init__(self) -> None:
        self.set({option.name: getattr(self, option.name) for option in fields(self)})

    def set(self, changes: dict[str, Any]) -> None:
        """Change options by their names; raises ValueError for an unknown name or wrong value."""
        known = {option.name: option for option in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"there is no option {name!r}")
            kind: type[Any] = type(known[name].default)
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise ValueError(f"{name} is a {kind.__name__}")
            choices = known[name].metadata.get("choices")
            if choices and value not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}")
        for name, value in changes.items():
            setattr(self, name, float(value) if isinstance(known[name].default, float) else value)
