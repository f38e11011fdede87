"""Mapping documents made up by hypothesis: everything that a document may hold."""

from typing import Any

from hypothesis import strategies as st

from bilag.mapping.paths import LINE_PATHS, RECORD_PATHS, VOUCHER_PATHS

# Without control characters, which no record and no form can hold; a line break is a text.
_SIGNS = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufffe\uffff"
)
texts = st.text(_SIGNS | st.just("\n"), max_size=12)
keys = st.text(_SIGNS, min_size=1, max_size=10).map(str.strip).filter(bool)
codes = st.from_regex(r"[\w./:+&-]{1,8}", fullmatch=True)
parties = st.text(_SIGNS, min_size=1, max_size=8).map(str.strip).filter(bool)
names = st.text(_SIGNS, min_size=1, max_size=10).map(str.strip).filter(bool)
kinds = st.sampled_from(("expense", "mileage", "honorarium", "activity"))
postings = st.fixed_dictionaries(
    {"account": codes},
    optional={
        "vatCode": st.just("") | codes, "costCentre": st.just("") | codes,
        "project": st.just("") | codes, "counterAccount": codes,
    },
)  # fmt: skip
_TEMPLATES = st.sampled_from(("{sourceId} {text}", "{{{text}}}", " x{text}\n", "{line.text}"))
_STEPS: dict[str, st.SearchStrategy[Any]] = {
    "separator": texts.filter(bool),
    "table": st.dictionaries(keys, texts, min_size=1, max_size=4),
    "default": texts,
    "date": st.sampled_from(("iso", "epoch", "DD.MM.YYYY", "YY/MM", "YYYY MM")),
    "number": st.fixed_dictionaries(
        {},
        optional={
            "decimals": st.integers(0, 10), "decimalMark": st.sampled_from(".,"),
            "minorUnits": st.booleans(),
        },
    ),
    "case": st.sampled_from(("upper", "lower")),
    "truncate": st.integers(1, 2000),
    "required": st.just(True),
    "maxLength": st.integers(1, 2000),
}  # fmt: skip


def _sources(*paths: str) -> st.SearchStrategy[dict[str, Any]]:
    own = st.text(_SIGNS, min_size=1, max_size=8).map("extra.{}".format)
    return st.one_of(
        st.fixed_dictionaries({"from": st.sampled_from(paths) | own}),
        st.fixed_dictionaries({"constant": texts}),
        st.fixed_dictionaries({"template": _TEMPLATES}),
    )


def _rules(*paths: str) -> st.SearchStrategy[dict[str, Any]]:
    steps = st.fixed_dictionaries({}, optional=_STEPS)
    plain = st.builds(lambda source, more: {**more, **source}, _sources(*paths), steps)
    parts = st.lists(plain, min_size=1, max_size=3)
    several = st.builds(
        lambda name, found, more: {**more, name: found},
        st.sampled_from(("firstNonEmpty", "join")), parts, steps,
    )  # fmt: skip
    return plain | several


rules = _rules(*RECORD_PATHS, *VOUCHER_PATHS)
line_rules = _rules(*RECORD_PATHS, *VOUCHER_PATHS, *LINE_PATHS)
_tables = st.fixed_dictionaries(
    {},
    optional={
        "codes": st.dictionaries(keys, codes, max_size=3),
        "unmapped": st.sampled_from(("pass", "held")),
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "categories": st.dictionaries(keys, postings, max_size=4),
        "defaults": st.dictionaries(kinds, postings, max_size=3),
        "counterAccount": codes,
        "claimants": st.dictionaries(keys, parties, max_size=4),
        "missingClaimant": st.sampled_from(("held", "clearing")),
        "clearingAccount": codes,
        "clearingAccounts": st.dictionaries(kinds, codes, max_size=3),
        "costCentres": _tables,
        "projects": _tables,
        "vatCodes": _tables,
        "voucherText": rules,
        "lineText": line_rules,
        "lines": st.sampled_from(("each", "grouped")),
        "header": st.dictionaries(names, rules, max_size=3),
        "line": st.dictionaries(names, line_rules, max_size=3),
        "counterLine": st.dictionaries(names, rules, max_size=3),
    },
)
