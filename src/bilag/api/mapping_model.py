"""What requests and answers about mappings look like (C8 to C12, C17).

A mapping is the JSON document of docs/mapping.md; changes are the same document with only what
changes in it, and null where a part is taken out.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from ninja import Field

from bilag.api.answers import ProblemItem, items
from bilag.api.values import Answer, Moment, Request
from bilag.core.target_field import TargetFields
from bilag.delivery.mapping_desk import Checked, WorkingCopy
from bilag.delivery.mapping_editor import Behind, Compared, Saved
from bilag.delivery.mapping_tables import TypePage
from bilag.integrations.mapping_claimants import ClaimantPage
from bilag.integrations.mapping_drafts import Outline
from bilag.mapping.parts import Difference, Document
from bilag.mapping.words import differences_in_words, field_title, path_name

_EXAMPLE = {"categories": {"travel": {"account": "7140"}}}

MAPPING = "A mapping as in docs/mapping.md."
ChangesField = Field(
    description="The parts to change, as in a mapping; null takes one out.",
    examples=[{"categories": {"taxi": {"account": "7130"}, "bus": None}}],
)


class VersionAnswer(Answer):
    """One version of a mapping: who made it, when; version 0 is the empty mapping at first."""

    version: int
    created_at: Moment | None = None
    created_by: str = ""

    @classmethod
    def of(cls, outline: Outline) -> "VersionAnswer":
        return cls(
            version=outline.version, created_at=outline.created_at, created_by=outline.created_by
        )


class MappingAnswer(VersionAnswer):
    """One version with its document."""

    mapping: dict[str, Any]

    @classmethod
    def with_document(cls, outline: Outline, document: Document) -> "MappingAnswer":
        return cls(**VersionAnswer.of(outline).model_dump(), mapping=document)


class VersionsAnswer(Answer):
    """The versions of a mapping, newest first."""

    versions: list[VersionAnswer]


class MappingRequest(Request):
    """A whole mapping, and the version that it was made from: another one meanwhile is a 409."""

    base_version: int = Field(ge=0, le=2**31 - 1)
    mapping: dict[str, Any] = Field(description=MAPPING, examples=[_EXAMPLE])


class RestoreRequest(Request):
    """The version that is in force as far as the caller knows: another one meanwhile is a 409."""

    base_version: int = Field(ge=0, le=2**31 - 1)


class SavedAnswer(Answer):
    """The version in force now; `released` held claims are tried again with it."""

    version: int
    released: int

    @classmethod
    def of(cls, saved: Saved) -> "SavedAnswer":
        return cls(version=saved.version, released=saved.released)


class ChangesRequest(Request):
    """Changes of parts; what is not named stays as it is."""

    changes: dict[str, Any] = ChangesField


class DifferenceAnswer(Answer):
    """One part that differs, in words and as it stands in the documents (null: not there)."""

    place: list[str]
    name: str
    before: str
    after: str


class DifferencesAnswer(Answer):
    """What differs between two versions; `moreClaimants`: not all claimants are listed."""

    old: VersionAnswer
    new: VersionAnswer
    differences: list[DifferenceAnswer]
    more_claimants: bool

    @classmethod
    def of(cls, compared: Compared, language: str) -> "DifferencesAnswer":
        return cls(
            old=VersionAnswer.of(compared.old),
            new=VersionAnswer.of(compared.new),
            differences=differences_told(compared.differences, language),
            more_claimants=compared.more_claimants,
        )


class DraftAnswer(Answer):
    """The caller's working copy: a version with changes that are not saved, without the claimants.

    `faults` keep it from being saved, `hints` do not. `current` is the version in force; when it is
    not `base`, somebody saved meanwhile: `theirs` is what, `both` are parts changed in both.
    """

    base: VersionAnswer
    current: VersionAnswer
    changed: bool
    changed_at: Moment | None = None
    claimants_changed: int
    mapping: dict[str, Any]
    mine: list[DifferenceAnswer]
    theirs: list[DifferenceAnswer]
    both: list[DifferenceAnswer]
    faults: list[ProblemItem]
    hints: list[ProblemItem]

    @classmethod
    def of(cls, behind: Behind, checked: Checked, language: str) -> "DraftAnswer":
        copy: WorkingCopy = behind.working
        return cls(
            base=VersionAnswer.of(copy.base),
            current=VersionAnswer.of(copy.current),
            changed=copy.is_changed,
            changed_at=copy.changed_at,
            claimants_changed=copy.claimants_changed,
            mapping=copy.document,
            mine=differences_told(behind.mine, language),
            theirs=differences_told(behind.theirs, language),
            both=differences_told(behind.both, language),
            faults=items(checked.faults, language),
            hints=items(checked.hints, language),
        )


class PutOnTopRequest(Request):
    """The version to put the changes on: the one in force, which the caller has looked at."""

    version: int = Field(ge=0, le=2**31 - 1)


class TypeAnswer(Answer):
    """One expense type: on how many records it came in, how many held claims wait for it."""

    type: str
    categories: list[str]
    records: int
    waiting: int
    waiting_example: str
    mapped: bool
    by_default: bool
    changed: bool
    posting: dict[str, str] | None = None


class TypesAnswer(Answer):
    """One page of expense types, those that nothing covers first; `open` counts them."""

    types: list[TypeAnswer]
    matching: int
    open: int
    next: str | None = None

    @classmethod
    def of(cls, page: TypePage) -> "TypesAnswer":
        return cls(
            types=[
                TypeAnswer(
                    type=row.type, categories=list(row.kinds), records=row.records,
                    waiting=row.waiting, waiting_example=row.example,
                    mapped=row.posting is not None, by_default=row.by_default,
                    changed=row.changed,
                    posting=None if row.posting is None else dict(row.posting),
                )
                for row in page.rows
            ],
            matching=page.matching, open=page.open, next=page.after,
        )  # fmt: skip


class ClaimantAnswer(Answer):
    """A claimant's id in the app and its party in the book; `changed`: not saved yet."""

    claimant: str
    party: str
    changed: bool


class ClaimantsAnswer(Answer):
    """One page of claimants by id; `matching` counts all that match the search."""

    claimants: list[ClaimantAnswer]
    matching: int
    next: str | None = None

    @classmethod
    def of(cls, page: ClaimantPage) -> "ClaimantsAnswer":
        return cls(
            claimants=[
                ClaimantAnswer(claimant=one.id, party=one.party, changed=one.changed)
                for one in page.claimants
            ],
            matching=page.matching,
            next=page.after,
        )


class ClaimantsRequest(Request):
    """A CSV with the columns claimant and party, separated by semicolon or comma."""

    csv: str = Field(max_length=16 * 1024 * 1024, examples=["claimant;party\nvolunteer-017;10017"])


class ImportedAnswer(Answer):
    """What came of the CSV in the working copy; nothing is in force until it is saved."""

    added: int
    changed: int
    same: int


class CsvAnswer(Answer):
    """The claimants of the working copy as a CSV, its cells safe from formulas."""

    csv: str


class AppFieldAnswer(Answer):
    """A path that rules may read, what it is called, and a sample value."""

    path: str
    name: str
    sample: str | None = None


class TargetFieldAnswer(Answer):
    """An external field as the connector knows it."""

    name: str
    title: str
    kind: Literal["text", "code", "date", "number"]
    max_length: int | None = None
    required: bool
    sections: list[str]


class FieldsAnswer(Answer):
    """What rules may read, and what they may fill; `open`: any other name is taken as well."""

    app_fields: list[AppFieldAnswer]
    target_fields: list[TargetFieldAnswer]
    open: bool
    reserved: list[str]

    @classmethod
    def of(
        cls, paths: Iterable[str], samples: dict[str, str], target: TargetFields, language: str
    ) -> "FieldsAnswer":
        return cls(
            app_fields=[
                AppFieldAnswer(path=p, name=path_name(p, language), sample=samples.get(p))
                for p in paths
            ],
            target_fields=[
                TargetFieldAnswer(
                    name=one.name, title=field_title(one.title, one.name, language), kind=one.kind,
                    max_length=one.max_length, required=one.required, sections=list(one.sections),
                )
                for one in target.fields
            ],
            open=target.open,
            reserved=sorted(target.reserved),
        )  # fmt: skip


def differences_told(differences: Sequence[Difference], language: str) -> list[DifferenceAnswer]:
    """Return differences in words, a posting in its single fields."""
    return [
        DifferenceAnswer(place=list(one.place), name=name, before=before, after=after)
        for one in differences
        for name, before, after in differences_in_words(one, language)
    ]
