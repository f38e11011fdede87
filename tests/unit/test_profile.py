"""The profile: what is wrong in it is told by its place in the file, before any row is read."""

from pathlib import Path

import pytest

from bilag.core.problem import Refused
from bilag.records.profile import load_profile, parse_profile, profile_of_head

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = """
name: sheet
sourceSystem: sheet
delimiter: ";"
dates: [DD.MM.YYYY]
amounts: {decimal: ",", thousands: " "}
groupBy: [Krav]
fields:
  sourceId: Krav
  category: {constant: expense}
  currency: {column: Valuta, default: NOK}
  approvedBy: {constant: "0140"}
  approvedAt: {rule: lastCostDate}
  line.date: Dato
  line.type: {column: Type, table: {Reise: travel, NO: office}}
  line.amount: Beløp
  extra.place: Sted
"""


def test_a_good_profile() -> None:
    profile = parse_profile(GOOD)
    assert profile.columns == ("Krav", "Valuta", "Dato", "Type", "Beløp", "Sted")
    assert profile.fields["approvedBy"].constant == "0140"
    assert profile.fields["line.type"].table == {"Reise": "travel", "NO": "office"}


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        ("name: sheet\n", "", "name", "profile_key_missing"),
        ("groupBy", "group_by_", "group_by_", "profile_key_unknown"),
        ("[DD.MM.YYYY]", "[DD.MM.YY]", "dates.0", "profile_date_pattern"),
        ('thousands: " "', 'thousands: ","', "amounts", "profile_thousands"),
        ("name: sheet", "name: sheet\nencoding: latin1", "encoding", "profile_not_allowed"),
        ("name: sheet", "name: sheet\ntimeZone: Europe/Olso", "timeZone", "profile_time_zone"),
        ('";"', '";;"', "delimiter", "profile_value"),
        ("line.amount: Beløp", "line.belop: Beløp", "fields", "profile_field_unknown"),
        ("  sourceId: Krav\n", "", "fields", "profile_field_missing"),
        ("  line.type: {column: Type, table: {Reise: travel, NO: office}}\n", "", "fields",
         "profile_field_missing"),
        ("line.date: Dato", "line.date: {rule: fileDate}", "fields", "profile_rule"),
        ("line.date: Dato", "line.date: {column: Dato, rows: first}", "fields",
         "profile_rows_of_line"),
        ("default: NOK", "default: NOK, constant: NOK", "fields.currency", "profile_one_origin"),
        ("{constant: expense}", "{constant: expense, table: {a: b}}", "fields.category",
         "profile_table_without_column"),
        ("line.amount: Beløp", "line.amount: {column: B, default: 1.50}", "", "profile_constant"),
        ("line.date: Dato", "line.date: {constant: soon}", "", "profile_constant"),
        ("extra.place: Sted", "extra.place: {template: Oslo}", "fields.extra.place",
         "profile_template"),
        ("fields:", "fields:\n  sourceId: Krav", "", "profile_yaml"),
        ("fields:", "fields: [", "", "profile_yaml"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_place(old: str, new: str, place: str, code: str) -> None:
    assert old in GOOD
    with pytest.raises(Refused) as refused:
        parse_profile(GOOD.replace(old, new, 1))
    assert (code, place) in [(p.code, p.field) for p in refused.value.problems]
    for problem in refused.value.problems:
        assert "{" not in problem.text("nb").replace("{column}", "")


def test_not_even_a_mapping() -> None:
    with pytest.raises(Refused, match="keys with values"):
        parse_profile("- a\n- b\n")


def test_tags_make_no_objects() -> None:
    with pytest.raises(Refused):
        parse_profile(GOOD.replace("Krav", "!!python/object/apply:os.system [ls]", 1))


@pytest.mark.parametrize("name", ["hospitality.yaml", "claims-sample.yaml"])
def test_the_examples_are_good(name: str) -> None:
    assert load_profile(EXAMPLES / name).group_by


def test_columns_of_our_own_names_need_no_profile() -> None:
    head = (
        "sourceId;category;currency;approvedBy;approvedAt;line.date;line.type;line.amount;bilag_row"
    )
    profile = profile_of_head(head + "\r\n", "sheet")
    assert profile.delimiter == ";"
    assert profile.group_by == ("sourceId",)
    with pytest.raises(Refused, match="Beløp"):
        profile_of_head(head + ";Beløp", "sheet")
