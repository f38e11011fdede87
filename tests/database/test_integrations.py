"""Books, integrations, mapping versions, and what workers share about a target."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from bilag.core.problem import Refused
from bilag.integrations.books import get_book, list_books, save_book
from bilag.integrations.model import Breaker, Delivery
from bilag.integrations.runtime import (
    begin_sync,
    breaker_failed,
    breaker_succeeded,
    clear_error,
    clear_error_async,
    end_sync,
    pause_until,
    prove_look_up,
    remember_company,
    set_error,
)
from bilag.integrations.store import (
    change_integration,
    get_integration,
    integration_by_target,
    list_integrations,
    list_mapping_versions,
    load_integration_async,
    read_mapping,
    save_integration,
    save_mapping,
)
from tests.clusters import Database
from tests.database.people import (
    ALICE,
    CHARLIE,
    LEDGER,
    a_book,
    an_integration,
    scope,
    scope_async,
    switched_off,
    two_organizations,
)


@pytest.fixture
def url(database: Database) -> str:
    two_organizations(database.application_url)
    return database.application_url


def one_export(url: str) -> None:
    """Give Alice's ledger an export, as an arriving record does."""
    with scope(url, ALICE) as connection:
        connection.execute(
            "INSERT INTO exports (organization_id, integration_id, book_id, record_id,"
            " source_system, source_id, revision, live, category, currency, amount, reference,"
            " state) VALUES (%s, %s, %s, %s, 'app', 'claim-1', 1, true, 'expense', 'NOK', 125,"
            " 'B1', 'pending')",
            [ALICE, LEDGER, a_book().id, uuid4()],
        )


def test_what_is_saved_is_read_back(url: str) -> None:
    wanted = an_integration(delivery=Delivery(requests_in_flight=3), is_route=False)
    with scope(url, ALICE) as connection:
        assert save_integration(connection, wanted) is True
        assert save_integration(connection, wanted) is False
        assert get_integration(connection, ALICE, "ledger") == wanted
        assert get_integration(connection, ALICE, LEDGER) == wanted
        assert list_books(connection, ALICE) == [a_book()]


def test_currency_and_year_start_stay_once_a_book_has_exports(url: str) -> None:
    euro = replace(a_book(), currency="EUR")
    with scope(url, ALICE) as connection:
        assert save_book(connection, euro) is True
        assert save_book(connection, a_book()) is True
    one_export(url)
    with scope(url, ALICE) as connection:
        for change in (euro, a_book(year_start_month=7)):
            with pytest.raises(Refused) as refused:
                save_book(connection, change)
            assert [problem.code for problem in refused.value.problems] == ["book_in_use"]
        assert save_book(connection, a_book(rounding_account="7740")) is True
        assert get_book(connection, ALICE, "main") == a_book(rounding_account="7740")


def test_type_and_book_stay_once_an_integration_has_exports(url: str) -> None:
    other = a_book(key="other")
    with scope(url, ALICE) as connection:
        save_book(connection, other)
        assert save_integration(connection, an_integration(book=other)) is True
        assert save_integration(connection, an_integration()) is True
    one_export(url)
    with scope(url, ALICE) as connection:
        for change in (an_integration(book=other), an_integration(type="xledger")):
            with pytest.raises(Refused) as refused:
                save_integration(connection, change)
            assert [problem.code for problem in refused.value.problems] == ["integration_in_use"]
        assert save_integration(connection, an_integration(name="Renamed")) is True


def test_a_book_has_one_route_and_it_is_given_up_before_it_is_taken(url: str) -> None:
    second = an_integration(key="second")
    with scope(url, ALICE) as connection:
        with pytest.raises(Refused, match="ledger already is the route to book main"):
            save_integration(connection, second)
        save_integration(connection, an_integration(is_route=False))
        assert save_integration(connection, second) is True


def test_a_target_is_a_key_an_id_or_the_only_one_of_its_type(url: str) -> None:
    with scope(url, ALICE) as connection:
        for target in ("ledger", str(LEDGER), "rest"):
            assert integration_by_target(connection, ALICE, target).id == LEDGER
        save_integration(connection, an_integration(key="second", is_route=False))
        with pytest.raises(Refused) as several:
            integration_by_target(connection, ALICE, "rest")
        with pytest.raises(Refused) as none:
            integration_by_target(connection, ALICE, "xledger")
    assert several.value.problems[0].code == "target_ambiguous"
    assert none.value.problems[0].code == "target_unknown"
    for refused in (several, none):
        assert refused.value.problems[0].params["known"] == "ledger (rest), second (rest)"
    with scope(url, CHARLIE) as connection, pytest.raises(Refused):
        integration_by_target(connection, CHARLIE, str(LEDGER))


def test_a_mapping_gets_a_version_only_when_it_differs(url: str) -> None:
    first, second = {"counterAccount": "2910"}, {"counterAccount": "2990"}
    with scope(url, ALICE) as connection:
        versions = [
            save_mapping(connection, ALICE, LEDGER, document, "Administrator 001")
            for document in (first, first, second, first)
        ]
        assert versions == [1, 1, 2, 3]
        kept = list_mapping_versions(connection, ALICE, LEDGER)
        assert [version.version for version in kept] == [3, 2, 1]
        assert read_mapping(connection, ALICE, LEDGER, 2) == second
        current = get_integration(connection, ALICE, LEDGER)
    assert current is not None
    assert current.mapping_version == 3


def test_a_number_is_not_the_truth_in_a_mapping(url: str) -> None:
    with scope(url, ALICE) as connection:
        assert save_mapping(connection, ALICE, LEDGER, {"line": {"a": True}}, "A") == 1
        assert save_mapping(connection, ALICE, LEDGER, {"line": {"a": 1}}, "A") == 2


def test_changed_settings_take_the_proof_of_the_look_up_away(url: str) -> None:
    def proven() -> bool:
        with scope(url, ALICE) as connection:
            row = connection.execute(
                "SELECT look_up_proven_at IS NOT NULL FROM integration_runtime"
            ).fetchone()
        return bool(row and row[0])

    with scope(url, ALICE) as connection:
        connection.execute("UPDATE integration_runtime SET look_up_proven_at = now()")
        save_integration(connection, an_integration(name="Renamed"))
    assert proven()
    with scope(url, ALICE) as connection:
        save_integration(connection, an_integration(settings={"baseUrl": "https://b.example.com"}))
    assert not proven()


async def test_a_worker_loads_everything_in_one_query(url: str) -> None:
    with scope(url, ALICE) as connection:
        save_mapping(connection, ALICE, LEDGER, {"counterAccount": "2910"}, "A")
        connection.execute(
            "UPDATE organizations SET allowed_networks = '{127.0.0.1/32}', language = 'nn',"
            """ declaration = '{"version": "2"}'"""
        )
        stored = get_integration(connection, ALICE, LEDGER)
    async with scope_async(url, ALICE) as connection:
        loaded = await load_integration_async(connection, LEDGER)
    assert loaded is not None
    assert loaded.integration == stored
    assert loaded.mapping == {"counterAccount": "2910"}
    assert loaded.allowed_networks == ("127.0.0.1/32",)
    assert loaded.declaration == {"version": "2"}
    assert (loaded.slug, loaded.language) == ("alice", "nn")
    assert loaded.runtime.sync_run_id is None


async def runtime(url: str) -> Any:
    async with scope_async(url, ALICE) as connection:
        loaded = await load_integration_async(connection, LEDGER)
    assert loaded is not None
    return loaded.runtime


async def test_the_newer_sync_fences_the_older_one_out(url: str) -> None:
    first, second = uuid4(), uuid4()
    async with scope_async(url, ALICE) as connection:
        old = await begin_sync(connection, LEDGER, first, 5.0)
        new = await begin_sync(connection, LEDGER, second, 5.0)
        assert new > old
        assert await end_sync(connection, LEDGER, old, "done") is False
    assert (await runtime(url)).sync_run_id == second
    async with scope_async(url, ALICE) as connection:
        assert await end_sync(connection, LEDGER, new, "done") is True
    after = await runtime(url)
    assert (after.sync_run_id, after.last_sync_outcome) == (None, "done")


async def failed(url: str, failures: int) -> bool:
    async with scope_async(url, ALICE) as connection:
        return await breaker_failed(
            connection, LEDGER, failures, Breaker(failures=5, retry_seconds=30)
        )


async def pass_time(url: str, seconds: float) -> None:
    async with scope_async(url, ALICE) as connection:
        await connection.execute(
            "UPDATE integration_runtime SET breaker_retry_at = breaker_retry_at"
            " - make_interval(secs => %s)",
            [seconds],
        )


async def test_the_breaker_opens_at_its_threshold_and_closes_on_success(url: str) -> None:
    assert await failed(url, 4) is False
    assert (await runtime(url)).breaker_retry_at is None
    assert await failed(url, 2) is True
    opened = await runtime(url)
    assert (opened.breaker_retry_at - opened.breaker_opened_at).total_seconds() == 30
    assert await failed(url, 3) is False, "late failures do not open what is open"
    assert (await runtime(url)).breaker_retry_at == opened.breaker_retry_at
    async with scope_async(url, ALICE) as connection:
        assert await breaker_succeeded(connection, LEDGER) is True
        assert await breaker_succeeded(connection, LEDGER) is False
    closed = await runtime(url)
    assert (closed.breaker_failures, closed.breaker_trips, closed.breaker_retry_at) == (0, 0, None)


async def test_a_failed_probe_opens_it_for_twice_as_long_at_most_64_times(url: str) -> None:
    waits = []
    await failed(url, 5)
    for _ in range(9):
        await pass_time(url, 10_000)
        assert await failed(url, 1) is True
        async with scope_async(url, ALICE) as connection:
            found = await connection.execute(
                "SELECT extract(epoch FROM breaker_retry_at - now()) FROM integration_runtime"
            )
            row = await found.fetchone()
        assert row is not None
        waits.append(round(float(row[0]) / 30))
    assert waits == [2, 4, 8, 16, 32, 64, 64, 64, 64]


async def test_a_longer_pause_stays(url: str) -> None:
    async with scope_async(url, ALICE) as connection:
        await pause_until(connection, LEDGER, 600)
    long = (await runtime(url)).paused_until
    async with scope_async(url, ALICE) as connection:
        await pause_until(connection, LEDGER, 5)
    assert (await runtime(url)).paused_until == long


async def test_an_error_keeps_its_first_time_until_it_is_cleared(url: str) -> None:
    async with scope_async(url, ALICE) as connection:
        await set_error(connection, LEDGER, "the login was refused")
    first = await runtime(url)
    async with scope_async(url, ALICE) as connection:
        await set_error(connection, LEDGER, "the company is another one")
    second = await runtime(url)
    assert second.error_since == first.error_since
    assert second.error_message == "the company is another one"
    with scope(url, ALICE) as connection:
        assert clear_error(connection, LEDGER) is True
    async with scope_async(url, ALICE) as connection:
        assert await clear_error_async(connection, LEDGER) is False
    assert (await runtime(url)).error_since is None


async def test_another_company_is_not_remembered_over_the_first(url: str) -> None:
    async with scope_async(url, ALICE) as connection:
        assert await remember_company(connection, LEDGER, "1", "First") is True
        assert await remember_company(connection, LEDGER, "1", "First, renamed") is True
        assert await remember_company(connection, LEDGER, "2", "Second") is False
    known = await runtime(url)
    assert (known.company_id, known.company_name) == ("1", "First, renamed")


def test_an_outsider_sees_and_changes_no_configuration(url: str) -> None:
    with scope(url, ALICE) as connection:
        save_mapping(connection, ALICE, LEDGER, {"counterAccount": "2910"}, "A")
    with scope(url, CHARLIE) as connection:
        assert list_books(connection, ALICE) == []
        assert get_book(connection, ALICE, "main") is None
        assert list_integrations(connection, ALICE) == []
        assert get_integration(connection, ALICE, LEDGER) is None
        assert list_mapping_versions(connection, ALICE, LEDGER) == []
        assert read_mapping(connection, ALICE, LEDGER, 1) is None
        with pytest.raises(LookupError):
            change_integration(connection, ALICE, LEDGER, switched_off)
        assert clear_error(connection, LEDGER) is False
        with pytest.raises(LookupError):
            save_mapping(connection, ALICE, LEDGER, {"counterAccount": "1"}, "Charlie")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as connection:
        save_book(connection, replace(a_book(), name="Charlie's"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scope(url, CHARLIE) as connection:
        save_integration(connection, an_integration(name="Charlie's"))
    with scope(url, ALICE) as connection:
        assert get_integration(connection, ALICE, LEDGER) == an_integration(mapping_version=1)


async def test_an_outsider_changes_nothing_of_the_runtime(url: str) -> None:
    before = await runtime(url)
    async with scope_async(url, CHARLIE) as connection:
        assert await load_integration_async(connection, LEDGER) is None
        with pytest.raises(LookupError):
            await begin_sync(connection, LEDGER, uuid4(), 5.0)
        assert await end_sync(connection, LEDGER, 0, "done") is False
        assert await breaker_failed(connection, LEDGER, 100, Breaker()) is False
        assert await breaker_succeeded(connection, LEDGER) is False
        assert await remember_company(connection, LEDGER, "666", "Charlie's") is False
        await pause_until(connection, LEDGER, 3600)
        await set_error(connection, LEDGER, "Charlie was here")
        await prove_look_up(connection, LEDGER)
        assert await clear_error_async(connection, LEDGER) is False
    assert await runtime(url) == before


def test_an_integration_is_switched_off(url: str) -> None:
    with scope(url, ALICE) as connection:
        old, new = change_integration(connection, ALICE, LEDGER, switched_off)
        assert (old.enabled, new.enabled) == (True, False)
        stored = get_integration(connection, ALICE, LEDGER)
    assert stored is not None
    assert stored.enabled is False
