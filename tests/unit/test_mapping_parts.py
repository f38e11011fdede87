"""A mapping in parts: whatever is changed, the rest stays, and the changes say exactly that."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bilag.core.target_field import TargetField, TargetFields
from bilag.mapping.check_fields import field_faults, field_hints, longest
from bilag.mapping.document import Rule, read_document
from bilag.mapping.parts import (
    as_stored,
    canonical,
    change_at,
    changed,
    changes_between,
    checked_changes,
    combined,
    differences,
    part_at,
    places,
    tidied,
)
from bilag.mapping.words import differences_in_words
from tests.unit.mapping_documents import documents

often = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(documents, documents)
def test_the_changes_between_two_documents_make_one_of_the_other(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    old, new = canonical(first), canonical(second)
    changes = changes_between(old, new)
    assert changed(old, changes) == new
    assert {one.place for one in differences(old, new)} == set(places(changes))
    assert changes_between(old, old) == {}
    assert checked_changes(changes) == changes


@often
@given(documents, documents, documents)
def test_changes_one_after_the_other_are_one_change(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    a, b, c = map(canonical, (first, second, third))
    one, two = changes_between(a, b), changes_between(b, c)
    assert changed(a, combined(one, two)) == c
    # the changes of one editor on top of what another saved: each part is one's or the other's
    mine = changes_between(a, c)
    both = changed(b, mine)
    for place in places(mine):
        assert part_at(both, place) == part_at(c, place)
    touched = set(places(mine))
    for place, _, after in differences(a, b):
        assert place in touched or part_at(both, place) == after


@often
@given(documents, st.sampled_from(("nb", "nn", "en")))
def test_a_document_says_the_same_in_every_form(value: dict[str, Any], language: str) -> None:
    form = canonical(value)
    assert read_document(form) == read_document(value)
    assert canonical(form) == tidied(form) == form
    assert read_document(as_stored(form)) == read_document(form)
    for one in differences({}, form):
        assert changed({}, change_at(one.place, one.after))
        told = differences_in_words(one, language)
        assert told
        assert all(what for what, *_ in told)


def test_the_order_of_fields_is_the_one_of_the_database() -> None:
    rule = {"constant": "x"}
    found = as_stored({"header": {"bb": rule, "ø": rule, "a": rule, "ccc": rule}})
    assert list(found["header"]) == ["a", "bb", "ø", "ccc"]


def test_fields_are_checked_against_what_the_connector_knows() -> None:
    target = TargetFields(
        (
            TargetField("due", kind="date", required=True, sections=("header",)),
            TargetField("code", kind="code", max_length=5),
            TargetField("km", kind="number", sections=("line",)),
        ),
        open=False,
        reserved=frozenset({"amount"}),
    )
    document = read_document(
        {
            "header": {
                "code": {"constant": "abcdefgh"}, "other": "{text}", "amount": "{text}",
            },
            "line": {"km": {"from": "line.quantity"}},
        }
    )  # fmt: skip
    told = {(one.code, one.field) for one in field_faults(document, target)}
    assert told == {
        ("mapping_value_too_long", "header.code"), ("mapping_field_unknown", "header.other"),
        ("mapping_field_reserved", "header.amount"), ("mapping_field_missing", "header.due"),
    }  # fmt: skip
    document = read_document(
        {
            "header": {
                "due": {"from": "approvedAt"}, "code": {"from": "text"},
            },
            "line": {"km": {"from": "line.text"}, "code": {"from": "text", "truncate": 5}},
        }
    )  # fmt: skip
    assert field_faults(document, target) == []
    hints = {(one.code, one.field) for one in field_hints(document, target)}
    assert hints == {
        ("mapping_not_a_date_field", "header.due"), ("mapping_may_be_too_long", "header.code"),
        ("mapping_not_a_number_field", "line.km"),
    }  # fmt: skip


def test_the_longest_value_of_a_rule_is_bounded() -> None:
    def length(**rule: Any) -> int:
        return longest(Rule.model_validate(rule))

    assert length(constant="abc") == 3
    assert length(template="abc") == 3
    assert length(template="{text}") == 2000
    assert length(join=[{"from": "currency"}, {"constant": "ab"}], separator="--") == 7
    assert length(firstNonEmpty=[{"from": "text"}, {"constant": "ab"}], truncate=20) == 20
    assert length(**{"from": "text"}, table={"a": "xyz"}, default="wxyz") == 4
    assert length(**{"from": "line.date"}, date="DD.MM.YYYY") == 10
