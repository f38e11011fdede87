"""What is said of credentials, connection tests and the lists of an accounting system.

A secret is never among it: a credential is shown as a mask with its last four characters.
"""

from collections.abc import Sequence

from bilag.api.answers import ProblemItem
from bilag.api.values import Answer, Moment
from bilag.integrations.connection_tests import ConnectionTest
from bilag.integrations.reference_data import ReferenceList
from bilag.integrations.vault import CredentialDescription


class CredentialAnswer(Answer):
    """A credential as it may be shown; `reserve` is the one before it, until this one has sent."""

    field: str
    masked: str
    set_by: str
    set_at: Moment
    expires_at: Moment | None = None
    reserve: str | None = None


class ConnectionTestAnswer(Answer):
    """The newest test; `counts` is false once settings or credentials were changed after it."""

    passed: bool
    counts: bool
    message: str
    problems: list[ProblemItem]
    company_id: str | None = None
    company_name: str | None = None
    look_up_proven: bool
    details: dict[str, str]
    tested_by: str
    tested_at: Moment

    @classmethod
    def of(cls, test: ConnectionTest, counts: bool, language: str) -> "ConnectionTestAnswer":
        return cls(
            passed=test.passed,
            counts=counts,
            message=test.said(language),
            problems=[ProblemItem.model_validate(p.as_json(language)) for p in test.problems],
            company_id=test.company_id or None,
            company_name=test.company_name or None,
            look_up_proven=test.look_up_proven,
            details=test.details,
            tested_by=test.tested_by,
            tested_at=test.tested_at,
        )


class ReferenceListAnswer(Answer):
    """A list as it was read: how many entries are kept, and whether the system has more."""

    kind: str
    items: int
    more: bool
    read_at: Moment

    @classmethod
    def of(cls, listed: ReferenceList) -> "ReferenceListAnswer":
        return cls(kind=listed.kind, items=listed.items, more=listed.more, read_at=listed.read_at)


def credential_answers(found: Sequence[CredentialDescription]) -> list[CredentialAnswer]:
    """Return credentials as they may be shown, by field."""
    return [
        CredentialAnswer(
            field=one.field,
            masked=one.masked,
            set_by=one.set_by,
            set_at=one.set_at,
            expires_at=one.expires_at,
            reserve=one.kept or None,
        )
        for one in found
    ]
