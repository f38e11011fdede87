"""Every message of dynamics.md §4, word for word: which voucher, line and field it is put down to.

Messages are only explained by this; that a document was refused is known without them.
"""

from decimal import Decimal

import pytest

from bilag.connectors.dynamics.business_central.messages import (
    blame,
    field_of,
    is_lock,
    needs_manual_numbers,
    speaks_of_a_document,
)
from bilag.connectors.dynamics.business_central.plan import Document, PlannedLine
from bilag.connectors.dynamics.business_central.settings import Dimensions
from bilag.connectors.dynamics.odata import Fault, read_fault

DIMENSIONS = Dimensions(cost_centre="AVDELING", project="PROSJEKT", fields={"grant": "TILSKUDD"})
ID = "B23456723456723456A7"


def line(number: int, position: int, kind: str, account: str, **dimensions: str) -> PlannedLine:
    """A planned line."""
    return PlannedLine(number, position, kind, account, Decimal(1), "text", "", dimensions)


DOCUMENTS = {
    ID: Document(ID, "2026-1", "2026-03-14", [
        line(20000, 1, "G/L Account", "7140", AVDELING="10"),
        line(30000, 2, "Vendor", "ABL001"),
    ]),
    "BOTHER": Document("BOTHER", "2026-2", "2026-03-14", [
        line(40000, 1, "G/L Account", "7350", AVDELING="20"),
        line(50000, 2, "Employee", "E017"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("message", "blamed"),
    [
        (
            "A dimension used in Gen. Journal Line GENERAL, EXP42, 20000 has caused an error. "
            "Select a Dimension Value Code for the Dimension Code AVDELING for G/L Account 7140.",
            [(ID, "cost_centre", 1)],
        ),
        (
            "The Dimension Value Code must be 10 for Dimension Code AVDELING for G/L Account 7350. "
            "Currently it's 20.",
            [("BOTHER", "cost_centre", 1)],
        ),
        ("Dimension Code AVDELING must be blank for G/L Account 7140.", [(ID, "cost_centre", 1)]),
        ("Dimension Value AVDELING - 10 is blocked.", [(ID, "cost_centre", 1)]),
        (
            "Dimension value AVDELING, 20 is not allowed for G/L Account, 7350.",
            [("BOTHER", "cost_centre", 1)],
        ),
        (
            "Dimension combinations AVDELING - 10 and PROSJEKT - 2 can't be used concurrently.",
            [(ID, "cost_centre", 1)],
        ),
        (
            "The combination of dimensions used in Gen. Journal Line GENERAL, EXP42, 40000 is "
            "blocked.",
            [("BOTHER", "cost_centre", 1)],
        ),
        (
            "Posting Date is not within your range of allowed posting dates in Gen. Journal Line "
            "Journal Template Name='GENERAL',Journal Batch Name='EXP42',Line No.='30000'.",
            [(ID, "posting_date", 2)],
        ),
        (
            f"Document No. {ID} is out of balance by 12. Please check that Posting Date, Document "
            "Type, Document No. and Amount are correct for each line.",
            [(ID, "amount", None)],
        ),
        ("The lines in 31.01.26 are out of balance by 12. Check that Posting Date and Amount are "
         "correct for each line.", []),
        (
            "The field Account No. of table Gen. Journal Line contains a value (ABL001) that "
            "cannot be found in the related table (Vendor).",
            [(ID, "party", 2)],
        ),
        (
            "Blocked must be equal to 'No' in G/L Account: No.=7140. Current value is 'Yes'.",
            [(ID, "account", 1)],
        ),
        ("Purchase Invoice 2026-1 already exists.", [(ID, "reference", None)]),
        ("Something nobody has seen before.", []),
        ("Select a Dimension Value Code for the Dimension Code TILSKUDD for G/L Account 7350.",
         [("BOTHER", "grant", 1)]),
    ],
)  # fmt: skip
def test_a_refusal_to_post_is_put_down_to_a_document(
    message: str, blamed: list[tuple[str, str, int | None]]
) -> None:
    found = blame(message, DOCUMENTS, DIMENSIONS)
    assert [(one.reference, one.field, one.line) for one in found] == blamed


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ('The "accountNumber" does not match to an Account.', "account"),
        ("The account values do not match to a specific Account.", "account"),
        ('The "valueCode" does not match to a Dimension Value.', "cost_centre"),
        ('The "code" does not match to a Dimension.', "cost_centre"),
        (
            "Document Type must be empty or Payment when Account Type is Employee",
            "party",
        ),
        (
            "The length of the string is 57, but it must be less than or equal to 50 characters.",
            "text",
        ),
        ("The lines in 31.01.26 are out of balance by 12.", "amount"),
        ("The vendor cannot be found.", "party"),
        ("Something nobody has seen before.", ""),
    ],
)
def test_a_message_names_a_field_in_our_words(message: str, field: str) -> None:
    assert field_of(message, DIMENSIONS) == field


def test_the_correlation_id_is_split_off() -> None:
    text = "There is nothing to post.  CorrelationId:  0a1b2c3d-1111-4222-8333-444455556666."
    fault = read_fault({"error": {"code": "Application_DialogException", "message": text}})
    assert fault == Fault(
        "Application_DialogException",
        "There is nothing to post.",
        "0a1b2c3d-1111-4222-8333-444455556666",
    )


@pytest.mark.parametrize(
    ("status", "code", "speaks"),
    [
        (400, "Application_DialogException", True),
        (400, "Internal_InvalidTableRelation", True),
        (404, "Internal_RecordNotFound", True),
        (400, "Authentication_InvalidCredentials", False),
        (404, "Internal_CompanyNotFound", False),
        (404, "BadRequest_NotFound", False),
        (500, "Internal_ServerError", False),
        (412, "BadRequest_InvalidToken", False),
    ],
)
def test_only_what_speaks_of_a_document_refuses_one(status: int, code: str, speaks: bool) -> None:
    assert speaks_of_a_document(status, Fault(code, "No.")) is speaks


def test_locks_and_number_series_are_told_apart() -> None:
    lock = "We can't save your changes right now, because a record in table 'G/L Entry' is being "
    assert is_lock(Fault("", lock + "updated in a transaction done by another session."))
    assert is_lock(Fault("Request_EntityChanged", "Another user has already changed the record."))
    assert not is_lock(Fault("", "Dimension Value AVDELING - 10 is blocked."))
    assert needs_manual_numbers(Fault("", "You may not enter numbers manually."))
