"""The samples that come with the product, and the real claims where they are at hand."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path

import pytest

from bilag.core.record import CATEGORIES, Record
from bilag.records.claims import Built, ClaimBuilder, RecordBuilder
from bilag.records.open_rows import open_rows
from bilag.records.profile import load_profile
from bilag.records.validate import NotApproved

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
HOSPITALITY = ROOT.parent / "shared/data/claims-hospitality.csv"
TODAY = date(2026, 3, 31)


def built(file: Path, profile_name: str | None) -> Iterator[Built]:
    """Build every claim of a file in memory, as an import does through the database."""
    profile = load_profile(EXAMPLES / profile_name) if profile_name else None
    with file.open("rb") as stream, open_rows(stream, profile) as source:
        if profile is None:
            yield from (RecordBuilder("", today=TODAY).build([row]) for row in source.rows())
            return
        builder = ClaimBuilder(profile, source.columns, today=TODAY, file_day=TODAY)
        for _, rows in groupby(sorted(source.rows(), key=builder.key), key=builder.key):
            yield builder.build(list(rows))


def test_a_norwegian_spreadsheet() -> None:
    found = list(built(EXAMPLES / "claims-sample.csv", "claims-sample.yaml"))
    assert Counter(type(one) for one in found) == {Record: 21, NotApproved: 2}
    records = {one.source_id: one for one in found if isinstance(one, Record)}
    assert {one.category for one in records.values()} == {"expense", "mileage"}
    assert str(records["2026-0103"].total) == "4157.50"
    assert records["2026-0103"].paid
    assert len(records["2026-0116"].lines) == 5


def test_records_of_our_own_in_every_category() -> None:
    found = list(built(EXAMPLES / "records-sample.ndjson", None))
    records = [one for one in found if isinstance(one, Record)]
    assert {one.category for one in records} == set(CATEGORIES)
    assert Counter(type(one) for one in found) == {Record: 8, NotApproved: 1}


@pytest.mark.skipif(not HOSPITALITY.exists(), reason="the real claims are not at hand")
def test_11151_real_claims_come_out() -> None:
    found = list(built(HOSPITALITY, "hospitality.yaml"))
    records = [one for one in found if isinstance(one, Record)]
    assert len(records) == len(found) == 11_151
    assert sum(len(one.lines) for one in records) == 18_949
    assert sum(one.total < 0 for one in records) == 6
    assert sum(one.total == 0 for one in records) == 7
    assert sum(one.first_cost_date.year < one.last_cost_date.year for one in records) == 285
