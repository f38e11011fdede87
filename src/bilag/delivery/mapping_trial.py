"""The verbs that try a mapping which is not saved yet: preview, effect, values of single rules.

Nothing is written or sent; what is shown is what the engine itself would make of the records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson
import psycopg

from bilag.connectors.interface import Connector
from bilag.core.problem import Problem, Refused
from bilag.core.voucher import Voucher
from bilag.delivery.mapping_desk import MappingDesk, WorkingCopy
from bilag.delivery.mapping_effect import Effect, effect_of
from bilag.delivery.set_up import compile_now, usable_connector
from bilag.exports.affected import (
    AffectedRecord,
    affected_records,
    chosen_records,
    count_affected,
    peek_numbers,
    recent_claims,
    waits_more_than,
)
from bilag.integrations.mapping_drafts import claimants_at, draft_claimants
from bilag.integrations.model import Integration
from bilag.mapping.check import check_rules
from bilag.mapping.document import DocumentError, Rule, read_document
from bilag.mapping.parts import Document, as_stored
from bilag.mapping.paths import Content
from bilag.mapping.result import Excluded, Missing
from bilag.mapping.samples import sample_records
from bilag.mapping.values import facts_of, first_line, path_values, value_of
from bilag.mapping.voucher import Mapping as CompiledMapping
from bilag.records.types import seen_types
from bilag.tenants.organizations import read_organization

PREVIEWED_MAX = 5
CHOICE_MAX = 40
# The effect on so many claims is worked out while a page is made (measured: 20 ms).
AT_ONCE_MAX = 100
# Failure policy: an effect is worked out for so long; what was not reached is told as a number.
EFFECT_SECONDS = 3.0
_TEXTS = ("voucherText", "lineText")
_SAMPLE_REFERENCE = "SAMPLE-VOUCHER"


@dataclass(frozen=True, slots=True)
class Previewed:
    """One record as it would be sent: the voucher and its bytes, or what is in the way.

    `state` is empty for a sample. `body` holds what the system would get.
    """

    source_id: str
    state: str
    content: Content
    voucher: Voucher | None
    body: bytes
    problems: tuple[Problem, ...]

    def body_text(self) -> str:
        """Return the body as people read it: indented where it is JSON."""
        try:
            return orjson.dumps(orjson.loads(self.body), option=orjson.OPT_INDENT_2).decode()
        except ValueError:
            return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Preview:
    """Records as the mapping would send them; with `faults` of the mapping itself it sends none."""

    integration: Integration
    faults: Sequence[Problem]
    records: Sequence[Previewed]


@dataclass(frozen=True, slots=True)
class RuleValue:
    """What a rule gives for one record: a value, or the problem that the claim would have."""

    source_id: str
    category: str
    value: str
    problem: Problem | None


class MappingTrial(MappingDesk):
    """Tries the working copies of `actor`, or documents that are handed over."""

    def preview(
        self,
        key: str,
        source_ids: Sequence[str] = (),
        document: Mapping[str, Any] | None = None,
    ) -> Preview:
        """Return records as they would be sent: these claims, or our samples (C11).

        Numbers are those that would be next; none is taken. Raises Refused for too many claims,
        LookupError for an unknown integration.
        """
        if len(source_ids) > PREVIEWED_MAX:
            params = {"maximum": str(PREVIEWED_MAX)}
            raise Refused(Problem("mapping_preview_records", "sourceIds", params=params))
        with self._scope() as connection:
            copy = self._copy(connection, key)
            records = self._records(connection, copy.integration, source_ids)
            wanted = self._for_records(connection, copy, records) if document is None else document
            faults, mapping = self._compiled(connection, copy.integration, wanted, records)
            book = copy.integration.book
            numbers = peek_numbers(connection, book.id, book.number_start)
        if mapping is None:
            return Preview(copy.integration, faults, [_unmapped(record) for record in records])
        connector, settings = usable_connector(self._connectors, copy.integration)
        previewed = [
            _previewed(record, mapping, connector, settings, numbers, book.number_start)
            for record in records
        ]
        return Preview(copy.integration, faults, previewed)

    def effect(
        self,
        key: str,
        document: Mapping[str, Any] | None = None,
        *,
        seconds: float = EFFECT_SECONDS,
    ) -> Effect:
        """Return what saving the working copy (or a document) would do to the claims that wait.

        Raises Refused naming every fault of the mapping, LookupError for an unknown integration.
        """
        with self._scope() as connection:
            copy = self._copy(connection, key)
            own = copy.integration
            wanted = self._full(connection, copy) if document is None else document
            new = compile_now(connection, self._connectors, own, as_stored(wanted))
            try:
                old = compile_now(connection, self._connectors, own)
            except Refused:
                old = None  # nothing goes by a mapping that cannot be used
            connector, settings = usable_connector(self._connectors, own)
            connection.execute("SET TRANSACTION READ ONLY")
            waiting = count_affected(connection, own.id)
            records = affected_records(connection, own.id)
            return effect_of(records, waiting, own, connector, settings, old, new, seconds=seconds)

    def held(self, key: str, *, in_force: bool = False) -> tuple[WorkingCopy, Effect | None]:
        """Return the working copy, or what is in force, and what waiting claims it would hold.

        The first 100 are looked at. None where the mapping itself has faults; raises LookupError.
        """
        with self._scope() as connection:
            copy = self._copy(connection, key)
            copy = copy.in_force() if in_force else copy
            own = copy.integration
            waiting = count_affected(connection, own.id)
            if not waiting:
                return copy, Effect(0)
            records = list(islice(affected_records(connection, own.id), AT_ONCE_MAX))
            wanted = self._for_records(connection, copy, records)
            _faults, mapping = self._compiled(connection, own, wanted, records)
        if mapping is None:
            return copy, None
        connector, settings = usable_connector(self._connectors, own)
        return copy, effect_of(
            records, waiting, own, connector, settings, None, mapping, seconds=EFFECT_SECONDS
        )

    def takes_long(self, key: str) -> bool:
        """Return whether so many claims wait that working out an effect is to be waited for."""
        with self._scope() as connection:
            integration = self._integration(connection, key)
            return waits_more_than(connection, integration.id, AT_ONCE_MAX)

    def rule_values(
        self, key: str, section: str, name: str, rule: Mapping[str, Any]
    ) -> list[RuleValue]:
        """Return what a rule gives for each sample; where it reads the line, for the first one.

        Raises Refused naming every fault of the rule, LookupError for an unknown integration.
        """
        sound = _sound_rule(section, name, rule)
        with self._scope() as connection:
            integration = self._integration(connection, key)
            samples = self._records(connection, integration, ())
        return [_tried(sound, name, section, one.content, integration) for one in samples]

    def path_samples(self, key: str) -> dict[str, str]:
        """Return a sample value of each path that any of the samples has."""
        with self._scope() as connection:
            integration = self._integration(connection, key)
            samples = self._records(connection, integration, ())
        found: dict[str, str] = {}
        for one in samples:
            line, facts = _beside(one.content, integration)
            found = {**path_values(one.content, line, facts), **found}
        return found

    def claims_to_choose(self, key: str) -> list[tuple[str, str, str]]:
        """Return (source id, state, category) of claims for a preview, those that wait first."""
        with self._scope() as connection:
            integration = self._integration(connection, key)
            return recent_claims(connection, integration.id, CHOICE_MAX)

    def _records(
        self, connection: psycopg.Connection[Any], integration: Integration, ids: Sequence[str]
    ) -> list[AffectedRecord]:
        if ids:
            return chosen_records(connection, integration.id, ids)
        organization = read_organization(connection, self._organization_id)
        declaration = organization.declaration if organization else {}
        types: dict[str, list[str]] = {}
        for seen in sorted(
            seen_types(connection, self._organization_id), key=lambda one: -one.records
        ):
            if seen.type:
                types.setdefault(seen.category, []).append(seen.type)
        samples = sample_records(types, integration.filters.categories, declaration)
        return [_as_waiting(sample) for sample in samples]

    def _for_records(
        self,
        connection: psycopg.Connection[Any],
        copy: WorkingCopy,
        records: Sequence[AffectedRecord],
    ) -> Document:
        """Return the working copy with the claimants of these records only."""
        ids = {one.content.get("claimant", {}).get("id", "") for one in records}
        own, its = self._organization_id, copy.integration.id
        wanted = dict.fromkeys(ids)
        parties: dict[str, str | None] = {
            **claimants_at(connection, own, its, copy.base.version, wanted)
        }
        changes = (
            draft_claimants(connection, own, its, self._actor) if copy.claimants_changed else {}
        )
        parties |= {claimant: changes[claimant] for claimant in ids if claimant in changes}
        known = {claimant: party for claimant, party in parties.items() if party}
        if not known and copy.has_claimants:
            known = {"somebody else": "-"}  # the check asks whether there is anybody at all
        return {**copy.document, "claimants": known}

    def _compiled(
        self,
        connection: psycopg.Connection[Any],
        integration: Integration,
        document: Mapping[str, Any],
        records: Sequence[AffectedRecord],
    ) -> tuple[Sequence[Problem], CompiledMapping | None]:
        """Return the faults of the whole document, or it compiled for what these records need."""
        found = self.check(integration, as_stored(document), has_claimants=False)
        if found.faults or found.document is None:
            return found.faults, None
        types = {line.get("type", "") for one in records for line in one.content.get("lines", ())}
        rows = {t: row for t, row in found.document.categories.items() if t in types}
        usable = found.document.model_copy(update={"categories": rows})
        return (), compile_now(connection, self._connectors, integration, usable)


def _as_waiting(sample: Content) -> AffectedRecord:
    return AffectedRecord(
        export_id=0, state="", content=sample, reference=_SAMPLE_REFERENCE, part=0,
        source_id=sample["sourceId"], currency=sample["currency"], amount=Decimal(0),
        open_day=None, sent_again=False, refusals=0, accounting_year=None, voucher_number=None,
        curable=False,
    )  # fmt: skip


def _unmapped(record: AffectedRecord) -> Previewed:
    return Previewed(record.source_id, record.state, record.content, None, b"", ())


def _previewed(
    record: AffectedRecord,
    mapping: CompiledMapping,
    connector: Connector[Any],
    settings: Any,
    numbers: dict[int, int],
    number_start: int,
) -> Previewed:
    known = record.source_id, record.state, record.content
    open_day = mapping.policy_day or record.open_day
    result = mapping.voucher(record.content, record.reference, record.part, open_day)
    if isinstance(result, Missing):
        return Previewed(*known, None, b"", result.problems)
    if isinstance(result, Excluded):
        return Previewed(*known, None, b"", (result.problem,))
    year = result.accounting_year
    if record.voucher_number is not None and record.accounting_year == year:
        result.number = record.voucher_number
    else:
        result.number = numbers.get(year, number_start)
        numbers[year] = result.number + 1
    result.key_suffix = f"-{record.refusals}" if record.refusals else ""
    try:
        body = connector.build([result], settings)[0].body
    except ValueError as error:
        params = {"message": str(error)}
        problem = Problem("cannot_be_built", record=record.source_id, params=params)
        return Previewed(*known, result, b"", (problem,))
    return Previewed(*known, result, body, ())


def _sound_rule(section: str, name: str, rule: Mapping[str, Any]) -> Rule:
    alone: Document = {section: rule if section in _TEXTS else {name: rule}}
    try:
        read = read_document(alone)
    except DocumentError as error:
        raise Refused(*error.problems) from None
    if faults := list(check_rules(read)):
        raise Refused(*faults)
    found: Rule = {
        "voucherText": read.voucher_text, "lineText": read.line_text, **read.header, **read.line,
        **read.counter_line,
    }[section if section in _TEXTS else name]  # fmt: skip
    return found


def _tried(
    rule: Rule, name: str, section: str, content: Content, integration: Integration
) -> RuleValue:
    line, facts = _beside(content, integration)
    in_line = section in ("line", "lineText")
    value = value_of(rule, name, content, line if in_line else {}, facts)
    known = content["sourceId"], content["category"]
    if isinstance(value, Problem):
        return RuleValue(*known, "", value)
    return RuleValue(*known, value, None)


def _beside(content: Content, integration: Integration) -> tuple[Content, Any]:
    facts = facts_of(content, _SAMPLE_REFERENCE, integration.book, integration.delivery)
    return first_line(content, integration.book), facts
