"""Transform rules: each source, each step, and that nothing a template says can run (C10).

Values are read from the fields of a finished voucher.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilag.integrations.model import Filters
from bilag.mapping.check import check_document
from bilag.mapping.document import TEXT_MAX, DocumentError, read_document
from bilag.mapping.paths import LINE_PATHS, RECORD_PATHS, VOUCHER_PATHS
from tests.unit.test_mapping_samples import SIMPLE, line, mapped, missing, record, voucher

CLAIM = record(
    line("2026-03-01", "249.5", text="Train"),
    text="Meeting",
    claimant_name="Volunteer 017",
    extra={"kid": "00123", "blank": " ", "due": "2026-04-05", "percent": "%s {text}"},
    created_at=datetime(2026, 1, 31, 23, 15, tzinfo=UTC),
)


def value(rule: Any, claim: dict[str, Any] = CLAIM) -> str:
    document = {**SIMPLE, "header": {"x": rule}}
    return voucher(claim, document).fields.get("x", "")


def refusals(rule: Any, section: str = "header") -> list[tuple[str, str]]:
    document = read_document({**SIMPLE, section: {"x": rule}})
    return [(p.code, p.field) for p in check_document(document, Filters(), carries_vat=True)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"from": "claimant.id"}, "volunteer-017"),
        ({"from": "claimant.name"}, "Volunteer 017"),
        ({"from": "extra.kid"}, "00123"),
        ({"from": "extra.none"}, ""),
        ({"from": "revision"}, "1"),
        ({"from": "participants"}, ""),
        ({"from": "declaration.version"}, ""),
        ({"from": "voucher.amount"}, "249.5"),
        ({"from": "voucher.postingDate"}, "2026-03-04"),
        ({"from": "voucher.accountingYear"}, "2026"),
        ({"from": "voucher.reference"}, "BREFERENCE"),
        ({"constant": "X{text}"}, "X{text}"),
        ("{sourceId}: {text}", "exp-1: Meeting"),
        ({"template": "100 % {{{text}}}"}, "100 % {Meeting}"),
        ("{extra.percent}", "%s {text}"),
        ({"firstNonEmpty": ["{extra.none}", {"from": "text"}, "never"]}, "Meeting"),
        ({"join": [{"from": "text"}, {"from": "extra.none"}, "{sourceId}"], "separator": "-"},
         "Meeting-exp-1"),
        ({"from": "text", "table": {"Meeting": "M"}}, "M"),
        ({"from": "text", "table": {"Other": "O"}, "default": "D"}, "D"),
        ({"from": "extra.none", "table": {"Other": "O"}}, ""),
        ({"from": "extra.none", "default": "D"}, "D"),
        ({"from": "extra.due", "date": "iso"}, "2026-04-05"),
        ({"from": "extra.due", "date": "DD.MM.YYYY"}, "05.04.2026"),
        ({"from": "extra.due", "date": "YYMMDD"}, "260405"),
        ({"from": "extra.due", "date": "YYYY/MM-DD"}, "2026/04-05"),
        ({"from": "extra.due", "date": "epoch"}, "1775340000"),
        ({"from": "createdAt", "date": "iso"}, "2026-02-01"),
        ({"from": "createdAt", "date": "epoch"}, "1769901300"),
        ({"from": "extra.none", "date": "epoch"}, ""),
        ({"from": "voucher.amount", "number": {}}, "249.50"),
        ({"from": "voucher.amount", "number": {"decimalMark": ","}}, "249,50"),
        ({"from": "voucher.amount", "number": {"decimals": 0}}, "250"),
        ({"from": "voucher.amount", "number": {"minorUnits": True}}, "24950"),
        ({"constant": "-0.001", "number": {}}, "0.00"),
        ({"constant": "0.125", "number": {}}, "0.12"),
        ({"from": "extra.none", "number": {}}, ""),
        ({"from": "text", "case": "upper"}, "MEETING"),
        ({"from": "text", "case": "lower", "truncate": 4}, "meet"),
        ({"from": "text", "required": True, "maxLength": 7}, "Meeting"),
    ],
)  # fmt: skip
def test_a_rule_gives(rule: Any, expected: str) -> None:
    assert refusals(rule) == []
    assert value(rule) == expected


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"from": "extra.none", "required": True}, "field_required"),
        ({"from": "extra.blank", "required": True}, "field_required"),
        ({"from": "text", "maxLength": 6}, "field_too_long"),
        ({"from": "text", "table": {"Other": "O"}}, "value_not_in_table"),
        ({"from": "text", "date": "iso"}, "value_not_a_date"),
        ({"from": "text", "date": "epoch"}, "value_not_a_date"),
        ({"from": "text", "number": {}}, "value_not_a_number"),
        ({"constant": "1e9999999", "number": {}}, "value_not_a_number"),
        ({"constant": "٣", "number": {}}, "value_not_a_number"),
        ({"constant": "9" * 16, "number": {}}, "value_not_a_number"),
    ],
)
def test_a_rule_that_gives_no_usable_value_holds_and_names_the_field(rule: Any, code: str) -> None:
    document = {**SIMPLE, "header": {"x": rule}, "counterLine": {"x": rule}, "line": {"x": rule}}
    assert missing(CLAIM, document) == [
        (code, "line.x", 1),
        (code, "counterLine.x", None),
        (code, "header.x", None),
    ]
    problem = mapped(CLAIM, document).problems[0]  # type: ignore[union-attr]
    assert "“x”" in problem.text("en")
    assert "{" not in problem.text("en")


def test_a_text_that_cannot_be_filled_holds() -> None:
    document = {**SIMPLE, "voucherText": {"from": "extra.none", "required": True}}
    assert missing(CLAIM, document) == [("field_required", "voucherText", None)]


@pytest.mark.parametrize(
    "template",
    [
        "{text",
        "text}",
        "{",
        "{{text}",
        "{{text}}}",
        "{text{sourceId}}",
    ],
)
def test_a_stray_brace_is_refused(template: str) -> None:
    assert refusals(template) == [("mapping_template", "header.x.template")]
    with pytest.raises(DocumentError):
        mapped(CLAIM, {**SIMPLE, "header": {"x": template}})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "text!r",
        "text:>99999999",
        "text.__class__",
        "__class__",
        "claimant",
        "claimant.id.__class__",
        "claimant[id]",
        "lines",
        "extra.",
        "nationalId",
        " text ",
        "self",
    ],
)
def test_a_template_names_paths_and_nothing_else(path: str) -> None:
    assert refusals("{" + path + "}") == [("mapping_unknown_path", "header.x.template")]
    assert refusals({"from": path}) == [("mapping_unknown_path", "header.x.from")]
    for rule in ("{" + path + "}", {"from": path}, {"join": [{"from": path}]}):
        with pytest.raises(DocumentError):
            mapped(CLAIM, {**SIMPLE, "line": {"x": rule}})


@pytest.mark.parametrize("path", ["extra.__class__", "extra.a.b", "extra.%s"])
def test_extra_fields_are_only_looked_up(path: str) -> None:
    assert value("{" + path + "}") == ""


def test_the_voucher_number_is_refused_with_the_reason() -> None:
    assert refusals("No {voucher.number}") == [("mapping_no_number_yet", "header.x.template")]


def test_lines_have_no_place_in_the_header() -> None:
    for section in ("header", "counterLine"):
        assert refusals({"from": "line.text"}, section) == [
            ("mapping_line_path", f"{section}.x.from")
        ]
    assert refusals({"from": "line.text"}, "line") == []


@pytest.mark.parametrize("pattern", ["", "%Y", "{0}", "DD.MM.YYYY HH", "YYYYY", "...", "ISO", "D"])
def test_a_date_format_is_made_of_its_tokens(pattern: str) -> None:
    assert refusals({"from": "extra.due", "date": pattern}) == [
        ("mapping_date_format", "header.x.date")
    ]
    with pytest.raises(DocumentError):
        value({"from": "extra.due", "date": pattern})


@pytest.mark.parametrize("rule", [{}, {"from": "text", "constant": "x"}, {"required": True}])
def test_a_rule_has_exactly_one_source(rule: Any) -> None:
    assert refusals(rule) == [("mapping_one_source", "header.x")]


def test_rules_are_not_nested_without_end() -> None:
    rule: Any = {"from": "text"}
    for _ in range(3):
        rule = {"join": [rule]}
    assert refusals(rule) == [("mapping_too_deep", "header.x.join[1].join[1].join[1]")]
    for _ in range(5000):
        rule = {"join": [rule]}
    with pytest.raises(DocumentError) as caught:
        refusals(rule)
    assert [(p.code, p.field) for p in caught.value.problems] == [("mapping_too_deep", "header.x")]


def test_a_value_has_at_most_2000_characters() -> None:
    claim = record(line("2026-03-01", "1"), text="ß" * 50_000)
    ten = ["{text}{text}{text}"] * 10
    for rule in (
        {"from": "text"},
        "{text}{text}",
        {"join": ten},
        {"join": [{"join": ten}] * 10},
        {"from": "text", "case": "upper"},
    ):
        assert len(value(rule, claim)) == TEXT_MAX


def test_every_listed_path_can_be_read() -> None:
    claim = record(line("2026-03-01", "1"))
    rules = {path: {"from": path} for path in (*RECORD_PATHS, *VOUCHER_PATHS, *LINE_PATHS)}
    found = voucher(claim, {**SIMPLE, "line": rules})
    assert found.lines[0].fields["line.bookAmount"] == "1"
    assert all(isinstance(text, str) and text for text in found.lines[0].fields.values())


@settings(max_examples=300, deadline=None)
@given(template=st.text(alphabet="{}:!.%[]()_ textclaimant.id0", max_size=40))
def test_a_hostile_template_is_refused_or_only_copies(template: str) -> None:
    if refusals({"template": template}):
        with pytest.raises(DocumentError):
            value({"template": template})
        return
    assert len(value({"template": template})) <= TEXT_MAX
