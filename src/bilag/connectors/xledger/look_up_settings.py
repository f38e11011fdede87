"""How a voucher is found again in Xledger, and the base of all settings of an Xledger integration.

What Xledger does not document publicly is a setting here, with the safe one as its default.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bilag.connectors.form import in_form

Code = Annotated[str, Field(max_length=100)]
Search = Literal["window", "extIdentifier", "extIdentifier_in"]
_SEARCHES = {
    "window": "By reading what has changed",
    "extIdentifier": "By extIdentifier, one at a time",
    "extIdentifier_in": "By extIdentifier, several at once",
}


class Section(BaseModel):
    """A group of settings: camelCase in JSON, unknown names refused, never changed once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class LookUp(Section):
    """How our reference is found again: waiting in the import, refused there, or booked."""

    staged_search: Search = Field(
        "window",
        title="Search of import items",
        description="By a filter on extIdentifier (one or several at once), or by reading all that"
        " changed since we sent. Whether the filters exist is not documented; `check` tells.",
        json_schema_extra=in_form(labels=_SEARCHES),
    )
    posted_search: Search = Field(
        "window",
        title="Search of journal entries",
        description="As for import items.",
        json_schema_extra=in_form(labels=_SEARCHES),
    )
    posted_in: Literal["journalEntries", "transactions"] = Field(
        "journalEntries",
        title="Booked entries",
        description="journalEntries hold extIdentifier; transactions only the text, so the text"
        " has to hold {reference}, and they are read back from the newest.",
    )
    entry_lines: bool = Field(
        False,
        title="Read lines",
        description="Account and cost centre of booked entries too, to find altered and reversed"
        " vouchers. That entries show account{code} is not documented.",
    )
    error_link: Literal["transactionDbId", "dbId", "objectValue", "none"] = Field(
        "transactionDbId",
        title="Link of an import error",
        description="Which field of glImportItemErrors holds the id of the import item. Not"
        " documented: compare one error in Xledger. none: errors are not read.",
        json_schema_extra=in_form(labels={"none": "None"}),
    )
    error_levels_ignored: tuple[Code, ...] = Field(
        (),
        title="Levels that are no errors",
        description="Codes of errorLevel that do not stop booking. The codes are not documented.",
    )
    posted_rows_stay: bool = Field(
        True,
        title="Booked items stay",
        description="Whether items stay in glImportItems once booked is not documented. Off: what"
        " is booked and still waiting there counts as waiting, since a second copy may.",
    )
    remove_items: bool = Field(
        False,
        title="Items can be removed",
        description="The tenant has removeGLImportItems. Not documented; `check` tells.",
    )
    owner_set: Literal["", "CURRENT", "UPPER", "LOWER", "MINE", "ALL"] = Field(
        "",
        title="Entities searched",
        description="Sent as ownerSet. Needed where vouchers go to another entity than the"
        " token's; what each value covers is not documented.",
        json_schema_extra=in_form(labels={"": "Not sent"}),
    )
    pages_max: int = Field(
        100,
        ge=1,
        le=1000,
        title="Pages at most",
        description="Of 1,000 rows. A search that is not through by then decides nothing.",
    )
