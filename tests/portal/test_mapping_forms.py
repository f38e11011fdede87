"""What a form of the mapping editor shows and what it makes of it are the same: nothing is lost."""

import os

import django
import pytest
from django.forms import Form
from hypothesis import HealthCheck, given, settings

from bilag.core.target_field import SECTIONS
from bilag.mapping.parts import Document, canonical, changed
from tests.unit.mapping_documents import documents, line_rules, postings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bilag.app.django_settings")
django.setup()

from bilag.portal.mapping.field_rows import (  # noqa: E402  # Django is set up first
    changes_of,
    check_rows,
    posted_rows,
    rows_of,
)
from bilag.portal.mapping.forms import PostingForm, posting_initial  # noqa: E402
from bilag.portal.mapping.rule_form import (  # noqa: E402
    RuleForm,
    initial_of,
    table_of,
    table_text,
)
from bilag.portal.mapping.rule_places import RulePlace, parts_of  # noqa: E402

often = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def sent(form: Form) -> dict[str, str]:
    """Return what a browser sends of a form as it is shown."""
    values: dict[str, str] = {}
    for bound in form:
        value = bound.value()
        if value is True:
            values[bound.html_name] = "on"
        elif value is not False:
            values[bound.html_name] = "" if value is None else str(value).replace("\n", "\r\n")
    return values


def through_the_form(rule: Document, own: list[str]) -> Document:
    """Return the rule that comes back when somebody opens it and keeps it as it is."""
    shown = RuleForm(section="line", parts=rule, own_fields=own, initial=initial_of(rule, own))
    posted = RuleForm(sent(shown), section="line", parts=rule, own_fields=own)
    assert posted.is_valid(), (rule, posted.errors)
    return posted.rule()


def as_document(rule: Document) -> Document:
    return canonical({"line": {"x": rule}})


@often
@given(line_rules)
def test_a_rule_comes_through_its_form_as_it_was(rule: Document) -> None:
    wanted = as_document(rule)["line"]["x"]
    for own in ([], [str(wanted.get("from", ""))]):
        fields = [path for path in own if path.startswith("extra.")]
        assert as_document(through_the_form(wanted, fields))["line"]["x"] == wanted
    for part in parts_of(wanted):
        assert as_document(through_the_form(part, []))["line"]["x"] == part


@often
@given(postings)
def test_a_posting_comes_through_its_form_as_it_was(posting: dict[str, str]) -> None:
    shown = PostingForm(initial=posting_initial(posting))
    posted = PostingForm(sent(shown))
    assert posted.is_valid(), posted.errors
    assert posted.posting() == posting


@often
@given(documents)
def test_the_rows_of_the_field_editor_keep_every_rule(value: Document) -> None:
    document = canonical(value)
    values: dict[str, str] = {}
    for section in SECTIONS:
        for row in rows_of(document, section, "nb"):
            values |= {f"{row.id}-was": row.was, f"{row.id}-name": row.name,
                       f"{row.id}-path": row.path}  # fmt: skip
    rows = posted_rows(values, document, "nb")
    assert check_rows(rows) == []
    assert canonical(changed(document, changes_of(rows, document))) == document


@often
@given(documents)
def test_a_rule_is_found_and_put_back_at_its_place(value: Document) -> None:
    document = canonical(value)
    for section in SECTIONS:
        for name, rule in document.get(section, {}).items():
            place = RulePlace(section, name)
            assert place.rule(document) == rule
            assert RulePlace.read(place.address()) == place
            assert changed(document, place.change(document, rule)) == document
            for number, part in enumerate(parts_of(rule), 1):
                inside = place.inside(number)
                assert inside.rule(document) == part
                assert RulePlace.read(inside.address()) == inside
                assert changed(document, inside.change(document, part)) == document


@pytest.mark.parametrize("text", ["a;b;c", "a", '"a;b', "a;1\na;2"])
def test_a_table_that_cannot_be_read_names_the_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"[12]"):
        table_of(text)
    assert table_of(table_text({"a": "", "": "b", "x;y": '"', "l": "1\n2"})) == {
        "a": "", "": "b", "x;y": '"', "l": "1\n2",
    }  # fmt: skip
