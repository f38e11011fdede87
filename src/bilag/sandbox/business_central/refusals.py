"""What Business Central says no with: status, code, and text with the correlation id at its end.

Texts are English for who asks in English, else in the service user's language (§0.10).
"""

import uuid
from dataclasses import dataclass
from typing import Any


@dataclass
class Refused(Exception):
    """A request that is not carried out; the transaction it is in is rolled back."""

    status: int
    code: str
    message: str
    retry_after: str = ""


def dialog(message: str) -> Refused:
    """An AL `Error(...)`: 400 with the text of the page or codeunit (dynamics.md §1.9)."""
    return Refused(400, "Application_DialogException", message)


def bad_request(message: str, code: str = "BadRequest") -> Refused:
    """A request that OData itself does not understand; wording INFERRED, code §1.9."""
    return Refused(400, code, message)


def not_found(message: str = "Bad Request - Error in query syntax.") -> Refused:
    """An address that does not exist (dynamics.md §1.9, BadRequest_NotFound)."""
    return Refused(404, "BadRequest_NotFound", message)


def no_record(table: str, key: str) -> Refused:
    """A key that no record has (dynamics.md §1.9, Internal_RecordNotFound)."""
    return Refused(404, "Internal_RecordNotFound", f"The {table} with ID {key} cannot be found.")


def same_key(table: str, values: str) -> Refused:
    """A record with the same primary key exists (dynamics.md §0.5, §1.9)."""
    return Refused(
        400,
        "Internal_EntityWithSameKeyExists",
        f"The {table} already exists. Identification fields and values: {values}",
    )


def no_relation(field: str, value: str, related: str, table: str = "Gen. Journal Line") -> Refused:
    """A value that its related table does not have (dynamics.md §1.9, §4)."""
    return Refused(
        400,
        "Internal_InvalidTableRelation",
        f"The field {field} of table {table} contains a value ({value}) that cannot be found "
        f"in the related table ({related}).",
    )


def field_is(field: str, wanted: str, found: str, record: str) -> Refused:
    """An AL `TestField` that fails (dynamics.md §4, blocked account)."""
    return Refused(
        400,
        "Application_FieldValidationException",
        f"{field} must be equal to '{wanted}' in {record}. Current value is '{found}'.",
    )


def too_long(value: str, length: int) -> Refused:
    """A text longer than its field (dynamics.md §4, length)."""
    return Refused(
        400,
        "Application_StringExceededLength",
        f"The length of the string is {len(value)}, but it must be less than or equal to "
        f"{length} characters. Value: {value}",
    )


def too_many(found: int, most: int, retry_after: str) -> Refused:
    """429 with the documented body (dynamics.md §1.8)."""
    return Refused(
        429,
        "Application_TooManyRequests",
        f"Too many requests reached. Actual ({found}). Maximum ({most}).",
        retry_after,
    )


def locked() -> Refused:
    """A record that another session is changing; text of dynamics.md §4, status UNKNOWN."""
    return Refused(
        409,
        "Application_DialogException",
        "We can't save your changes right now, because a record in table 'Gen. Journal Line' is "
        "being updated in a transaction done by another session.",
    )


def credentials() -> Refused:
    """401 for a token that is missing, wrong or expired (dynamics.md §1.9)."""
    return Refused(
        401, "Authentication_InvalidCredentials", "The server has rejected the client credentials."
    )


def as_json(refused: Refused, language: str) -> dict[str, Any]:
    """Return the error body; no `target`, correlation id at the end of the text (§0.10, §1.9)."""
    message = refused.message
    if refused.status == 429:
        return {"error": {"code": refused.code, "message": message}}
    if not language.lower().startswith("en"):
        message = "Handlingen kunne ikke fullføres. Kontroller verdiene og prøv på nytt."
    return {
        "error": {
            "code": refused.code,
            "message": f"{message}  CorrelationId:  {uuid.uuid4()}.",
        }
    }
