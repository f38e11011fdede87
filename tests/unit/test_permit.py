"""Permits for work in several steps: staging ends with the posting it prepares.

What is written under them is proven in the conformance suites.
"""

import pytest

from bilag.connectors.http import NoAnswer, Permit, TooLate
from bilag.core.clock import running_seconds


def test_a_permit_posts_once_and_again_only_by_a_fresh_one() -> None:
    permit = Permit(running_seconds() + 30)
    permit.use()
    with pytest.raises(NoAnswer):
        permit.use()
    fresh = permit.again()
    fresh.use()
    with pytest.raises(NoAnswer):
        fresh.use()


def test_staging_leaves_the_posting_unspent() -> None:
    permit = Permit(running_seconds() + 30)
    staging = permit.staging()
    staging.use()
    staging.use()
    staging.again().use()
    assert not permit.spent
    permit.use()


def test_every_permit_ends_with_the_first_and_crosses_its_crash_point() -> None:
    crossed: list[str] = []
    permit = Permit(running_seconds() + 30, before_write=lambda: crossed.append("written"))
    staging, again = permit.staging(), permit.again()
    staging.use()
    again.use()
    permit.until = running_seconds() - 1
    with pytest.raises(TooLate):
        staging.use()
    with pytest.raises(TooLate):
        permit.again().use()
    assert len(crossed) == 4
