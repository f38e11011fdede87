"""O7: each rule at its threshold, below and above, across midnight and a change of the clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bilag.monitoring.alerts import Known, acknowledge, decide, unacknowledged
from bilag.monitoring.rules import Cause
from bilag.tenants.scope import organization_scope
from tests.clusters import Database
from tests.database.api_stage import Stage, api_stage
from tests.database.watch_stage import (
    alerts,
    bound,
    error,
    look_at,
    open_rules,
    pending,
    refused,
    runtime,
)

OSLO = ZoneInfo("Europe/Oslo")
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(days=1)


def _oslo(*when: int) -> datetime:
    return datetime(*when, tzinfo=OSLO).astimezone(UTC)  # type: ignore[misc]


# From each of these, the hours of any rule go past what is named.
STARTS = {
    "midnight": _oslo(2026, 11, 20, 23, 59),
    "clocks back": _oslo(2026, 10, 24, 22, 0),
    "clocks forward": _oslo(2027, 3, 27, 22, 0),
}
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
each_start = pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)


@pytest.fixture
def stage(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with api_stage(database, tmp_path, monkeypatch) as running:
        runtime(running, enabled_since=datetime(2026, 1, 1, tzinfo=UTC))
        bound(running, silence_days=0)
        yield running


@each_start
def test_pending_over_48_hours(stage: Stage, start: datetime) -> None:
    pending(stage, "C1", start)
    assert look_at(stage, start + 48 * HOUR - SECOND) == []
    assert look_at(stage, start + 48 * HOUR) == [], "over 48 hours, not 48"
    assert look_at(stage, start + 48 * HOUR + SECOND) == ["pending"]
    assert look_at(stage, start + 50 * HOUR) == [], "once while it lasts"
    (alert,) = alerts(stage)
    assert alert.text("en") == (
        "Ledger: 1 claims are pending; the oldest could have gone over 48 hours ago."
    )
    runtime(stage, enabled=False)
    assert look_at(stage, start + 51 * HOUR) == []
    assert alerts(stage) == [], "only with an enabled connector"


@each_start
def test_more_than_ten_errors_in_24_hours(stage: Stage, start: datetime) -> None:
    for number in range(10):
        error(stage, start + number * SECOND)
    at = start + 24 * HOUR - SECOND
    assert look_at(stage, at) == [], "ten are not more than ten"
    error(stage, at)
    assert look_at(stage, at) == ["errors"]
    assert look_at(stage, start + 24 * HOUR) == [], "the first one is 24 hours old"
    assert open_rules(stage) == set(), "it clears itself"
    error(stage, start + 24 * HOUR)
    assert look_at(stage, start + 24 * HOUR) == [], "once per window"
    assert open_rules(stage) == {"errors"}
    for _ in range(20):
        error(stage, at + 24 * HOUR - 2 * SECOND)
    assert look_at(stage, at + 24 * HOUR - SECOND) == []
    assert look_at(stage, at + 24 * HOUR) == ["errors"], "the next window"


def test_errors_clear_with_the_claims_that_had_them(stage: Stage) -> None:
    claims = [pending(stage, f"C{number}", NOW - HOUR) for number in (1, 2)]
    for claim in claims:
        for _ in range(6):
            error(stage, NOW - HOUR, "rejected", export=claim)
    assert look_at(stage, NOW) == ["errors"]
    assert alerts(stage)[0].text("en") == (
        "12 errors in the last 24 hours of claims that have not gone through since;"
        " the bound is 10."
    )
    stage.bring(claims[0], "sending", "exported")
    look_at(stage, NOW + SECOND)
    assert open_rules(stage) == set(), "six of a claim that is open are not more than ten"
    for _ in range(5):
        error(stage, NOW, export=claims[1])
    look_at(stage, NOW + 2 * SECOND)
    assert open_rules(stage) == {"errors"}
    stage.bring(claims[1], "sending", "exported")
    look_at(stage, NOW + 3 * SECOND)
    assert alerts(stage) == [], "nothing is open, and the dashboard says that all is well"


@each_start
def test_three_failures_of_a_record_in_a_row(stage: Stage, start: datetime) -> None:
    export = pending(stage, "C000017", start, attempt=3)
    error(stage, start + HOUR, "retry_later", 503, export)
    error(stage, start + 2 * HOUR, "rejected", 422, export)
    assert look_at(stage, start + 3 * HOUR) == []
    error(stage, start + 3 * HOUR, "retry_later", 429, export)
    assert look_at(stage, start + 3 * HOUR) == [], "asked to wait is no failure"
    error(stage, start + 3 * HOUR, "unknown", 500, export)
    assert look_at(stage, start + 3 * HOUR - SECOND) == []
    assert look_at(stage, start + 3 * HOUR) == ["failures_in_a_row"]
    (alert,) = alerts(stage)
    assert "expense" in alert.text("en")
    assert "C000017" in alert.text("en")
    assert "no such account" in alert.text("en")
    error(stage, start + 4 * HOUR, "rejected", 422, export)
    assert look_at(stage, start + 5 * HOUR) == [], "the fourth is the same cause"
    stage.bring(export, "sending", "exported")
    look_at(stage, start + 6 * HOUR)
    assert alerts(stage) == []


def test_what_was_taken_in_between_begins_anew(stage: Stage) -> None:
    export = pending(stage, "C1", NOW, attempt=4)
    for hours, outcome in enumerate(("rejected", "rejected", "accepted", "booking_refused")):
        error(stage, NOW + hours * HOUR, outcome, 200, export)
    assert look_at(stage, NOW + 5 * HOUR) == []
    bound(stage, failures_in_a_row=2)
    error(stage, NOW + 5 * HOUR, "rejected", 422, export)
    assert look_at(stage, NOW + 5 * HOUR) == ["failures_in_a_row"]


@each_start
def test_a_refusal_is_told_once_for_each_cause_and_day(stage: Stage, start: datetime) -> None:
    refused(stage, "C1", start, "account 7140 is closed, line 1")
    assert look_at(stage, start) == ["refusal"], "at once"
    refused(stage, "C2", start + SECOND, "account 7150 is closed, line 2")
    assert look_at(stage, start + SECOND) == [], "the same cause, whatever its numbers"
    refused(stage, "C3", start + 2 * SECOND, "cost centre is missing")
    assert look_at(stage, start + 2 * SECOND) == ["refusal"], "another cause"
    assert len(alerts(stage)) == 2
    midnight = (start.astimezone(OSLO) + DAY).replace(hour=0, minute=0).astimezone(UTC)
    assert look_at(stage, midnight + HOUR) == [], "nothing new was refused on the new day"
    refused(stage, "C4", midnight - SECOND, "account 7160 is closed, line 3")
    assert look_at(stage, midnight + HOUR) == []
    refused(stage, "C5", midnight, "account 7170 is closed, line 4")
    assert look_at(stage, midnight + HOUR) == ["refusal"]
    assert len(alerts(stage)) == 2


def test_a_refusal_clears_itself_and_comes_back_quietly_on_the_same_day(stage: Stage) -> None:
    export = refused(stage, "C1", NOW)
    assert look_at(stage, NOW) == ["refusal"]
    stage.bring(export, "pending")
    assert look_at(stage, NOW + HOUR) == []
    assert alerts(stage) == []
    stage.bring(export, "sending", "failed", state_since=NOW + 2 * HOUR)
    assert look_at(stage, NOW + 2 * HOUR) == []
    assert open_rules(stage) == {"refusal"}
    stage.bring(export, "pending")
    look_at(stage, NOW + 3 * HOUR)
    stage.bring(export, "sending", "failed", state_since=NOW + 20 * HOUR)
    assert look_at(stage, NOW + 20 * HOUR) == ["refusal"]


def test_what_a_person_decided_is_no_refusal(stage: Stage) -> None:
    export = refused(stage, "C1", NOW)
    stage.query("""UPDATE exports SET reason = '{"code": "decided"}' WHERE id = %s""", export)
    assert look_at(stage, NOW) == []


@each_start
def test_the_breaker_opened(stage: Stage, start: datetime) -> None:
    runtime(stage, breaker_opened_at=start, error_message="connection refused")
    assert look_at(stage, start - SECOND) == []
    assert look_at(stage, start) == ["breaker"]
    assert look_at(stage, start + 30 * HOUR) == [], "once while it is open"
    runtime(stage, breaker_opened_at=None)
    look_at(stage, start + 31 * HOUR)
    assert alerts(stage) == []
    runtime(stage, breaker_opened_at=start + 32 * HOUR)
    assert look_at(stage, start + 32 * HOUR) == ["breaker"]
    runtime(stage, breaker_opened_at=None)
    look_at(stage, start + 33 * HOUR)
    runtime(stage, breaker_opened_at=start + 34 * HOUR)
    assert look_at(stage, start + 34 * HOUR) == [], "one that flaps does not flood"


@each_start
def test_a_credential_is_about_to_expire(stage: Stage, start: datetime) -> None:
    expires = start + 14 * DAY
    stage.query(
        "INSERT INTO data_keys (organization_id, id, master_key_id, wrapped)"
        " VALUES (%s, gen_random_uuid(), 'x', '')", stage.alice.organization,
    )  # fmt: skip
    stage.query(
        "INSERT INTO credentials SELECT organization_id, %s, 'apiToken', id, '', '', 'x', now(), %s"
        " FROM data_keys", stage.alice.integration, expires,
    )  # fmt: skip
    assert look_at(stage, start - SECOND) == []
    assert look_at(stage, start) == ["credential"]
    assert look_at(stage, start + SECOND) == []
    (alert,) = alerts(stage)
    assert f"{expires.astimezone(OSLO):%d.%m.%Y}" in alert.text("nb")
    assert look_at(stage, expires) == ["credential"], "told once more when it has expired"
    stage.query("UPDATE credentials SET expires_at = %s", expires + 100 * DAY)
    look_at(stage, expires + HOUR)
    assert alerts(stage) == []


@each_start
def test_another_company_and_other_errors_that_stop(stage: Stage, start: datetime) -> None:
    runtime(stage, error_since=start, error_message="2 Other AS", error_code="other_company")
    assert look_at(stage, start - SECOND) == []
    assert look_at(stage, start) == ["other_company"]
    assert look_at(stage, start + SECOND) == []
    runtime(stage, error_code=None, error_message="the login is refused")
    assert look_at(stage, start + HOUR) == ["stopped"]
    assert open_rules(stage) == {"stopped"}
    runtime(stage, error_since=None, error_message=None)
    look_at(stage, start + 30 * HOUR)
    assert alerts(stage) == []


def test_a_warning(stage: Stage) -> None:
    assert look_at(stage, NOW) == []
    runtime(stage, warning="the new credential was refused")
    assert look_at(stage, NOW) == ["warning"]
    runtime(stage, warning=None)
    look_at(stage, NOW)
    assert alerts(stage) == []


@pytest.mark.parametrize(
    "day",
    [datetime(2026, 11, 20), datetime(2026, 10, 24), datetime(2027, 3, 27)],  # noqa: DTZ001
    ids=list(STARTS),
)
def test_no_records_for_unusually_long(stage: Stage, day: datetime) -> None:
    bound(stage, silence_days=14)
    last = day.replace(hour=23, minute=59, tzinfo=OSLO)
    assert look_at(stage, last) == [], "none ever came: nothing is unusual"
    pending(stage, "C1", last, created_at=last)
    bound(stage, pending_alert_hours=8760)
    end_of_14 = (day + 14 * DAY).replace(hour=23, minute=59, second=59, tzinfo=OSLO)
    assert look_at(stage, end_of_14) == []
    assert look_at(stage, end_of_14.astimezone(UTC) + SECOND) == ["silence"]
    assert look_at(stage, end_of_14 + 20 * DAY) == [], "once while it lasts"
    pending(stage, "C2", end_of_14, created_at=end_of_14)
    look_at(stage, end_of_14 + 2 * DAY)
    assert open_rules(stage) == set()
    bound(stage, silence_days=0)
    assert look_at(stage, end_of_14 + 90 * DAY) == []


def test_an_alert_is_acknowledged_by_whom_and_told_again_when_it_is_new(stage: Stage) -> None:
    refused(stage, "C1", NOW)
    look_at(stage, NOW)
    (alert,) = alerts(stage)
    own = stage.alice.organization
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, own),
    ):
        assert unacknowledged(connection, own) == 1
        assert acknowledge(connection, own, alert.id, actor="user a@example.org")
        assert not acknowledge(connection, own, alert.id, actor="user b@example.org")
        assert unacknowledged(connection, own) == 0
        with pytest.raises(LookupError):
            acknowledge(connection, own, alert.id + 1, actor="user a@example.org")
    assert [one.acknowledged_by for one in alerts(stage)] == ["user a@example.org"]
    assert stage.query("SELECT event, actor FROM change_logs") == [
        ("alert.acknowledged", "user a@example.org")
    ]
    refused(stage, "C2", NOW + DAY)
    assert look_at(stage, NOW + DAY) == ["refusal"]
    assert [one.acknowledged_at for one in alerts(stage)] == [None]


def test_causes_are_bounded(stage: Stage) -> None:
    for number in range(25):
        refused(stage, f"C{number}", NOW, "reason " + chr(ord("a") + number))
    assert len(look_at(stage, NOW)) == 20
    for number in range(25, 30):
        refused(stage, f"C{number}", NOW + HOUR, "reason " + chr(ord("a") + number - 25) + "!")
    assert len(look_at(stage, NOW + HOUR)) == 5
    assert len(alerts(stage, cleared=False)) == 25, "what is not named any more is still there"
    dealt_with = [f"C{number}" for number in range(15)]
    stage.query(
        "UPDATE exports SET reason = jsonb_build_object('code', 'decided')"
        " WHERE source_id = ANY (%s)", dealt_with,
    )  # fmt: skip
    look_at(stage, NOW + 2 * HOUR)
    assert len(alerts(stage)) == 15, "with all of them named, what is gone is cleared"


def test_another_organization_has_its_own_alerts(stage: Stage) -> None:
    refused(stage, "C1", NOW)
    look_at(stage, NOW)
    with (
        stage.installation.pool.connection() as connection,
        organization_scope(connection, stage.charlie.organization),
    ):
        assert connection.execute("SELECT count(*) FROM alerts").fetchone() == (0,)


@each_start
def test_the_windows_of_the_pure_rule(start: datetime) -> None:
    cause = Cause("breaker", "ledger", None, {})
    known = Known(1, "breaker", "ledger", start, is_open=False)
    assert decide([cause], [known], start + 24 * HOUR - SECOND).reopened == [(1, cause)]
    assert decide([cause], [known], start + 24 * HOUR).new == [cause]
    twice = decide([cause, cause], [], start)
    assert twice.new == [cause]
    still = Known(2, "breaker", "ledger", start, is_open=True)
    assert decide([], [known, still], start).cleared == [2]
    assert decide([cause], [still, known], start + 90 * HOUR).refreshed == [(2, cause)]
